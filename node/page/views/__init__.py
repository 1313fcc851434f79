"""What the page shows and what it can be asked to do, a module for each part of it."""

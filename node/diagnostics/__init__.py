"""The findings of `facenode check`, one module for each thing that it looks at."""

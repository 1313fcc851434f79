"""The first run in a browser: the same steps as on the terminal, for whoever has the code that the terminal printed.

The page decides nothing. Its own process, as the user of the service, tries cameras and brokers; root, started by a
path unit, takes the answers and writes them.
"""

"""The first run: what the owner answers -> settings, a running service, and a node that Home Assistant shows.

The steps are logic alone: `dialogue` has what they say and ask, `world` what they need of the machine and the network.
A terminal, a page or a file of answers drives them.
"""

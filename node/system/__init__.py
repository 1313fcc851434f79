"""The machine and the process: files, systemd, memory, what ships with the program."""

"""The machine and the process: files, systemd, memory, and the files that ship with the program."""

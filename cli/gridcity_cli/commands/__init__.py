"""The commands, one file each; `gridcity_cli.main` says which file holds which command."""

"""The command line of gridcity: it parses, calls one library function, and writes what came back."""

"""One file a command, named for it: read arguments, call one function, print. Beside them lies what several of them need."""

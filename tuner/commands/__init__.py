"""What each command does with its arguments: call one function, print."""

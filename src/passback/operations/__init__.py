"""What an operator asks for, at the command line or elsewhere: plain functions on an open database or gateway."""

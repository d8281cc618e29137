"""What a policy author needs beside the engine: to read a pack, to find its faults, to try it, and to compare two."""

"""The shape of the data file, as numbered SQL files that are applied in order and never changed afterwards."""

"""The policy engine: packs as data, dockets, `decide` and `simulate`. Pure."""

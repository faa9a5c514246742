"""The desk under load: a store of any size, people who work in it, a night beside them."""

"""Many machines: workers of dask.distributed score, the night's own process reads, compares and writes.

A worker gets where records stand and their hashes, reads them for itself, and answers with arrays. Only the
coordinator writes, in order, through the same transaction per chunk as on one machine: a worker that dies costs time.
"""

"""SSM documents and Run Command, with a fleet of simulated hosts.

Each host is a directory; the agent runs the document's own script, unchanged, with the machine's ``sh``. One lie,
documented in docs/rehearsal.md: every parameter whose name ends in ``Path`` gets the host's root directory in
front, so that ``/etc`` of a host is not ``/etc`` of this machine.
"""

"""What was measured of the public system that this one is compared with, as constants: it is not run here.

https://github.com/aws-samples/aws-privateca-certificate-deployment-automator, with the same local AWS, the same Python
and the same packages; some figures were read from its code or computed from list prices.
"""

SOURCE = "https://github.com/aws-samples/aws-privateca-certificate-deployment-automator"

TRANSITIONS = 8
"""Of a renewal; read. It waits for nothing, so a host that is slow fails."""
INVOCATIONS = 4
"""Of functions for a renewal; read."""
BILLED_MS = 4_200
"""Of functions for a renewal whose host takes 3 s: functions wait for hosts; computed."""
REHEARSAL_25_SECONDS = 33
"""25 healthy hosts, renewed once, in the local AWS; measured. Nothing else of what a rehearsal here does."""
CERTIFICATES_A_MONTH = 93_000
"""Of 10,000 hosts with 7-day certificates: its threshold counts twice; computed."""

"""A kind of secret -> what it looks like in a text."""

import re

TEXT_BYTES = 2_000_000
"""Files above are networks and clips."""
_EXAMPLE_PASSWORDS = r"s3cret|secret|p[?#]w|password|a:b@c|\w*\*\*\*|[{$]"
SECRETS = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{20}"),
    "an AWS key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a token": re.compile(r"\b(?:gh[pousr]_\w{30,}|github_pat_\w{30,}|xox[abprs]-[\w-]{10,}|sk-\w{30,}|pypi-\w{30,})"),
    "a JSON web token": re.compile(r"\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{15,}"),
    "a password in an address": re.compile(
        rf"\b[a-z]{{2,8}}://[^\s:/@\"'`]+:(?!{_EXAMPLE_PASSWORDS})[^\s/@\"'`]{{3,}}@[\w.]"
    ),
}

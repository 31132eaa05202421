"""Who must answer: parties, their duties, and the chain of steps that names exactly one of them, or nobody.

===========  ==========================================================================================
module       what
===========  ==========================================================================================
`parties`    who there is, found by code, name or alias; the bodies that a component names
`duties`     who answers for which class, where, from when until when
`chain`      the steps, one after the other, with the reason why each did not decide
===========  ==========================================================================================
"""

from gridcity.responsibility.chain import (
    NOBODY,
    REASONS,
    Answer,
    Concerned,
    Considered,
    Decision,
    Situation,
    decide,
)
from gridcity.responsibility.duties import ROLES, Duties, Klass, read_duties
from gridcity.responsibility.parties import (
    BODIES,
    Parties,
    Roles,
    StoredParties,
    folded,
    read_parties,
    roles_of,
    valid,
)

__all__ = [
    "BODIES",
    "NOBODY",
    "REASONS",
    "ROLES",
    "Answer",
    "Concerned",
    "Considered",
    "Decision",
    "Duties",
    "Klass",
    "Parties",
    "Roles",
    "Situation",
    "StoredParties",
    "decide",
    "folded",
    "read_duties",
    "read_parties",
    "roles_of",
    "valid",
]

"""The audit: the rules over a whole city, and what its duties leave open before the first case comes in.

===============  =====================================================================================
module           what
===============  =====================================================================================
`city`           every finding an import would have, and those that need the whole city
`duties`         the audit of the duties: all that follows, put together
`world`          the city of a day as that audit looks at it
`answers`        who answers in many cases, and by which duty
`standing`       rules over cells and components
`territories`    rules over parties outside their territory
`tables`         rules over the tables of parties and duties
`cases`          past incidents, judged by the tables of the day
`defects`        findings with the columns by which they are sorted and mapped
`page`           the audit as an HTML file
===============  =====================================================================================
"""

from gridcity.auditing.city import audit
from gridcity.auditing.duties import DutyAudit, IncidentCounts, audit_duties

__all__ = ["DutyAudit", "IncidentCounts", "audit", "audit_duties"]

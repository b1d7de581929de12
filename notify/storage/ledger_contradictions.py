"""What elsewhere in the database can contradict the ledger: a sentence for each, and the query that finds it.

Each query returns whom it is about, and the number of the entry.
"""

from typing import Final

from sqlalchemy import TextClause, bindparam, text

from notify.domain.ledger import BARRING_WAYS, COMPLAINT, LINK, MAILTO, ONE_CLICK, PROVIDER, UNDO

DANGLING: Final = (
    (
        "A preference of {who} rests on {entry}, which is not on the ledger: it was cut.",
        """
        SELECT coalesce(r.external_id, 'somebody'), p.consent_id FROM preferences p
        LEFT JOIN consent_records c ON c.id = p.consent_id LEFT JOIN recipients r ON r.id = p.recipient_id
        WHERE c.id IS NULL
        """,
    ),
    (
        "The acceptance of the policy by {who} rests on {entry}, which is not on the ledger: it was cut.",
        """
        SELECT r.external_id, r.policy_consent_id FROM recipients r
        LEFT JOIN consent_records c ON c.id = r.policy_consent_id
        WHERE r.policy_consent_id IS NOT NULL AND c.id IS NULL
        """,
    ),
    (
        "An address's opt-out rests on {entry}, which is not on the ledger: it was cut.",
        """
        SELECT '', o.consent_id FROM address_optouts o LEFT JOIN consent_records c ON c.id = o.consent_id
        WHERE c.id IS NULL
        """,
    ),
    (
        "A proof belongs to {entry}, which is not on the ledger: it was cut.",
        """
        SELECT '', p.consent_id FROM consent_proofs p LEFT JOIN consent_records c ON c.id = p.consent_id
        WHERE c.id IS NULL
        """,
    ),
    (
        "{who} was told of {entry}, and the ledger now ends before: it was cut.",
        """
        SELECT 'The follower ' || name, entry_id FROM ledger_followers
        WHERE entry_id > (SELECT coalesce(max(id), 0) FROM consent_records)
        """,
    ),
)
"""What rests on an entry that is not there."""

_OF_PREFERENCE: Final = "recipient_id = p.recipient_id AND n.topic = p.topic AND n.channel = p.channel"

_FREES: Final = "(n.subscribed OR n.way = :undo) AND n.way NOT IN :barring"
_LOST_ADDRESSES: Final = f"""
    WITH freed AS MATERIALIZED (
        SELECT w.email_hash AS hash, n.topic, n.channel, max(n.id) AS last
        FROM consent_records n JOIN recipients w ON w.id = n.recipient_id
        WHERE n.channel = 'email' AND {_FREES} GROUP BY 1, 2, 3
        UNION ALL
        SELECT w.phone_hash, n.topic, n.channel, max(n.id)
        FROM consent_records n JOIN recipients w ON w.id = n.recipient_id
        WHERE n.channel = 'sms' AND {_FREES} GROUP BY 1, 2, 3
    ), anywhere AS MATERIALIZED (
        SELECT n.topic, n.channel, max(n.id) AS last
        FROM consent_records n LEFT JOIN recipients w ON w.id = n.recipient_id
        WHERE {_FREES} AND (w.id IS NULL OR w.updated_at >= n.at) GROUP BY 1, 2
    ), lost AS MATERIALIZED (
        SELECT p.recipient_id, p.topic, p.channel, p.consent_id, m.address_hash AS hash
        FROM preferences p JOIN consent_records c ON c.id = p.consent_id
        JOIN messages m ON m.id = c.message_id AND m.channel = p.channel
        WHERE NOT p.subscribed AND c.way IN :by_message AND m.address_hash IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM address_optouts o WHERE o.address_hash = m.address_hash
                AND o.topic = p.topic AND o.channel = p.channel)
            AND NOT EXISTS (SELECT 1 FROM freed f WHERE f.hash = m.address_hash AND f.topic = p.topic
                AND f.channel = p.channel AND f.last > p.consent_id)
            AND NOT EXISTS (SELECT 1 FROM anywhere a WHERE a.topic = p.topic AND a.channel = p.channel
                AND a.last > p.consent_id)
    ), had AS MATERIALIZED (
        SELECT s.recipient_id, lost.consent_id
        FROM lost JOIN messages s ON s.address_hash = lost.hash AND s.channel = lost.channel
        UNION
        SELECT e.recipient_id, lost.consent_id
        FROM lost JOIN erased_addresses e ON e.address_hash = lost.hash AND e.channel = lost.channel
    )
    SELECT coalesce(r.external_id, 'somebody'), lost.consent_id
    FROM lost LEFT JOIN recipients r ON r.id = lost.recipient_id
    WHERE NOT EXISTS (
        SELECT 1 FROM had h JOIN consent_records n ON n.recipient_id = h.recipient_id
        WHERE h.consent_id = lost.consent_id AND n.topic = lost.topic AND n.channel = lost.channel
            AND n.id > lost.consent_id AND {_FREES}
    )
"""  # noqa: S608 - constants of our own
"""Opt-outs by a message, which left the address that it went to, and whose address is not barred any more.

`freed`: what somebody who has the address now chose again. `anywhere`: what somebody chose again whose
profile has changed since, or who is gone: nobody knows at which address, and rather nothing is said. `had`:
who is known to have had it.
"""

_LEFT_BY_MESSAGE: Final = frozenset({ONE_CLICK, LINK, MAILTO, COMPLAINT, PROVIDER})
"""Ways by which the address that a message went to is left, so that the ledger implies which it was."""

CONTRADICTIONS: Final = (
    (
        "A preference of {who} is not what {entry} says.",
        # Before version 0.3 the entry of an undo said whether messages came again, not what was chosen.
        """
        SELECT coalesce(r.external_id, 'somebody'), p.consent_id FROM preferences p
        JOIN consent_records c ON c.id = p.consent_id LEFT JOIN recipients r ON r.id = p.recipient_id
        WHERE c.recipient_id <> p.recipient_id OR c.topic IS NULL OR c.topic <> p.topic
            OR c.channel IS NULL OR c.channel <> p.channel
            OR (c.subscribed <> p.subscribed AND (c.subscribed OR c.way <> :undo))
        """,
    ),
    (
        "A preference of {who} does not heed {entry}.",
        f"""
        SELECT coalesce(r.external_id, 'somebody'), n.id FROM preferences p
        JOIN consent_records n ON n.{_OF_PREFERENCE} AND n.id > p.consent_id AND n.way NOT IN :barring
        LEFT JOIN recipients r ON r.id = p.recipient_id
        """,  # noqa: S608 - constants of our own
    ),
    (
        "A preference of {who} is missing: {entry} set it.",
        """
        SELECT r.external_id, c.id FROM consent_records c JOIN recipients r ON r.id = c.recipient_id
        WHERE c.topic IS NOT NULL AND c.way <> :undo AND c.way NOT IN :barring
            AND NOT EXISTS (SELECT 1 FROM preferences p WHERE p.recipient_id = c.recipient_id
                AND p.topic = c.topic AND p.channel = c.channel)
            AND NOT EXISTS (SELECT 1 FROM consent_records n WHERE n.recipient_id = c.recipient_id
                AND n.topic = c.topic AND n.channel = c.channel AND n.id > c.id AND n.way NOT IN :barring)
        """,
    ),
    (
        "An address's opt-out is not what {entry} says.",
        """
        SELECT '', c.id FROM address_optouts o JOIN consent_records c ON c.id = o.consent_id
        WHERE c.subscribed OR c.topic IS NULL OR c.topic <> o.topic OR c.channel <> o.channel
        """,
    ),
    (
        "An address that {who} left by {entry} is not barred any more, though nobody there chose it again.",
        _LOST_ADDRESSES,
    ),
    (
        "The acceptance of the policy by {who} is not what {entry} says.",
        """
        SELECT r.external_id, c.id FROM recipients r JOIN consent_records c ON c.id = r.policy_consent_id
        WHERE c.recipient_id <> r.id OR c.policy_version IS NULL
        """,
    ),
)
"""What says otherwise than the entry it rests on."""


def contradiction(query: str) -> TextClause:
    """Return one of these queries, as it is run with `limit`."""
    statement = text(f"{query} LIMIT :limit")
    if ":undo" in query:
        statement = statement.bindparams(undo=UNDO)
    if ":by_message" in query:
        statement = statement.bindparams(bindparam("by_message", sorted(_LEFT_BY_MESSAGE), expanding=True))
    if ":barring" in query:
        statement = statement.bindparams(bindparam("barring", sorted(BARRING_WAYS), expanding=True))
    return statement

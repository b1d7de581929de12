"""What the use cases need of the database, as Protocols: transactions and what can be done in one."""

from notify.store.consents import StandingKey
from notify.store.transaction import Store, Transaction

__all__ = ["StandingKey", "Store", "Transaction"]

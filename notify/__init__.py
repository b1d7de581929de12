"""Order updates and newsletters by e-mail and SMS, each with a one-click unsubscribe link."""

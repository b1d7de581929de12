"""Those who take messages: SendGrid, Twilio, SMTP and the local outbox. Only they know a provider's words."""

"""SendGrid, Twilio and an SMTP server on the loopback interface, with faults on demand."""

"""Templates: folders of text that become e-mails and SMS."""

from notify.rendering.catalogue import load_catalogue
from notify.rendering.templates import FileTemplates

__all__ = ["FileTemplates", "load_catalogue"]

"""The sentences that explain a message's status: one literal table for each language, read by `explain`."""

from collections.abc import Mapping
from typing import Final

Texts = Mapping[str, str]

LOST_IN_CALL: Final = "the worker was lost while the provider was being called"
LOST_AGAIN: Final = "workers were lost again and again while they prepared this message"
NOT_RENDERED: Final = "the template could not be rendered"
UNREADABLE: Final = "its data cannot be decrypted: is a key missing from ENCRYPTION_KEYS?"

OWN_DETAILS: Final[Mapping[str, str]] = {
    LOST_IN_CALL: "detail.lost_in_call",
    LOST_AGAIN: "detail.lost_again",
    NOT_RENDERED: "detail.not_rendered",
    UNREADABLE: "detail.unreadable",
}
"""Details of messages that are ours and no provider's, by the key of what is said of them."""

# Keys of sentences are a status, or "status.reason", or "status.again" after a failed try, or "status.waits"
# before the next one, or "status.provider" for providers that report nothing later.
ENGLISH: Final[Texts] = {
    "scheduled": "Waiting: it is to be sent{due}.",
    "scheduled.again": "Waiting: it is to be tried again{due}, after {tries}{because}.",
    "scheduled.outside_hours": "Waiting: no such message may be sent at this hour; it is to be sent{due}.",
    "scheduled.outside_hours.night": "Waiting: it is late, and is to wake nobody; it is to be sent{due}.",
    "queued": "Waiting in the queue: it leaves as soon as a worker is free.",
    "queued.again": "Waiting in the queue to be tried again, after {tries}{because}.",
    "sending": "Under way: it is being sent by {provider}.",
    "sending.waits": "Waiting: {provider} did not take it{because}; next try{due}.",
    "sent": "Sent: {provider} accepted it{on}, and has not reported its delivery yet.",
    "sent.smtp": "Sent: {provider} accepted it{on}; it does not report deliveries.",
    "sent.outbox": "Kept by {provider}{on}: nothing was sent.",
    "delivered": "Delivered{on}.",
    "skipped": "{not_sent}.",
    "skipped.unsubscribed": "{not_sent}: {who} unsubscribed from {topic} by {channel}{optout}.",
    "skipped.unsubscribed.somehow": "{not_sent}: {this_address} was unsubscribed from {topic}.",
    "skipped.unsubscribed.elsewhere": (
        "{not_sent}: {this_address} was unsubscribed from {topic}{optout}, under another recipient id."
    ),
    "skipped.suppressed": "{not_sent}: nothing of this kind goes to {this_address} any more{because}.",
    "barred.stop": "{not_sent}: {who} answered STOP to an SMS{barred}.",
    "barred.pause": "{not_sent}: {who} paused news and offers{barred}{until}.",
    "barred.hard_bounce": "{not_sent}: {this_address} turned an earlier message away for good{barred}.",
    "barred.soft_bounces": (
        "{not_sent}: too many messages to {this_address} came back, so it was barred{barred}."
    ),
    "barred.complaint": "{not_sent}: a message to {this_address} was reported as spam{barred}.",
    "barred.disputed": "{not_sent}: whoever has {this_address} said{barred} that they are not {who}.",
    "barred.erasure": (
        "{not_sent}: {this_address} was that of somebody who was erased{barred}, and gets no news or"
        " offers any more."
    ),
    "barred.manual": "{not_sent}: the shop barred {this_address}{barred}.",
    "barred.imported": "{not_sent}: the shop's former tool had barred {this_address}.",
    "skipped.no_address": "{not_sent}: {no_address} for {who}.",
    "skipped.no_consent": (
        "{not_sent}: {who} has not agreed to {topic} by {channel}, and the law asks for it."
    ),
    "skipped.superseded": "{not_sent}: a newer message with the same reference took its place.",
    "skipped.too_late": "{not_sent}: the hour of its campaign had already passed where {who} lives.",
    "skipped.duplicate_address": (
        "{not_sent}: {this_address} stands under another recipient id too, and a campaign writes to it once."
    ),
    "skipped.country_not_allowed": (
        "{not_sent}: the country of the phone number is not one that may be texted."
    ),
    "skipped.budget": "{not_sent}: the limit of SMS for the day was reached.",
    "skipped.outside_hours": "{not_sent}: there was no lawful hour for it.",
    "cancelled": "{not_sent}: it was cancelled{on}.",
    "expired": "{not_sent}: it expired{expiry}, before it could leave.",
    "expired.again": "{not_sent}: it expired{expiry}, after {tries}{because}.",
    "expired.outside_hours": "{not_sent}: there was no lawful hour for it before it was to expire{expiry}.",
    "expired.outside_hours.night": "{not_sent}: it was late, and expired{expiry}, before the morning.",
    "failed": "Failed{on}: {provider} refused it{because}.",
    "failed.again": "Failed{on}: it did not leave in {tries}{because}.",
    "failed.untried": "Failed{on}: nothing was sent{because}.",
    "failed.doubted": (
        "Failed{on}: {provider} refused it in the end{because}, but an earlier try may have arrived."
    ),
    "failed.handed_over": "Failed{on}: {provider} took it, but it was not delivered{because}.",
    "bounced": "Bounced{on}: {the_address} did not take it{because}.",
    "complained": "Delivered, but {who} reported it as spam{on}.",
    "unknown": "Unknown: the call to {provider} broke off{on}; it may have arrived, reports will settle it.",
    "unknown.silent": (
        "Unknown: the call to {provider} broke off{on}; it may have arrived, but no report of it has come."
    ),
    "unknown.smtp": (
        "Unknown: the call to {provider} broke off{on}; it may have arrived, and no report will tell."
    ),
    "unknown.outbox": "Unknown: {provider} may not have kept it; nothing was sent.",
    "not_sent": "Not sent",
    "not_sent.again": "Not sent again",
    "perhaps": "; an earlier try may have arrived",
    "on": " on {day}",
    "due": " on {day} at {time} UTC",
    "due.unknown": " later",
    "expiry": " on {day} at {time} UTC",
    "until": " until {day}",
    "because": " ({detail})",
    "one_try": "one try",
    "tries": "{count} tries",
    "nobody": "the recipient",
    "no_provider": "the provider",
    "detail.lost_in_call": "the worker was lost during the call",
    "detail.lost_again": "workers were lost again and again while they prepared it",
    "detail.not_rendered": "its template could not be filled in",
    "detail.unreadable": "its data could not be decrypted",
    "provider.smtp": "the SMTP server",
    "provider.outbox": "the local outbox",
    "no_topic": "this topic",
    "topic": "“{title}”",
    "email.channel": "e-mail",
    "email.the_address": "the e-mail address",
    "email.this_address": "this e-mail address",
    "email.no_address": "no e-mail address is known",
    "email.some_message": "an e-mail",
    "email.order_message": "order {order}'s e-mail",
    "sms.channel": "SMS",
    "sms.the_address": "the phone number",
    "sms.this_address": "this phone number",
    "sms.no_address": "no phone number is known",
    "sms.some_message": "an SMS",
    "sms.order_message": "order {order}'s SMS",
    "optout.link": ", with the link in {message}",
    "optout.one_click": ", with the mail program's unsubscribe button on {message}",
    "optout.mailto": ", by a mail to the unsubscribe address in {message}",
    "optout.preference_centre": ", in the preference centre",
    "optout.stop": ", by answering STOP",
    "optout.complaint": ", by reporting {message} as spam",
    "optout.provider": ", with the e-mail provider's own unsubscribe link",
    "optout.undo": ", by taking an earlier choice back",
    "optout.other": ", as the shop recorded",
}

FRENCH: Final[Texts] = {
    "scheduled": "En attente : l’envoi est prévu{due}.",
    "scheduled.again": "En attente : un nouvel essai est prévu{due}, après {tries}{because}.",
    "scheduled.outside_hours": "En attente : ce n’est pas l’heure de tels messages ; l’envoi est prévu{due}.",
    "scheduled.outside_hours.night": (
        "En attente : il est en retard et ne doit réveiller personne ; l’envoi est prévu{due}."
    ),
    "queued": "En file d’attente : il part dès qu’une place se libère.",
    "queued.again": "En file d’attente pour un nouvel essai, après {tries}{because}.",
    "sending": "En cours d’envoi par {provider}.",
    "sending.waits": "En attente : {provider} ne l’a pas pris{because} ; prochain essai{due}.",
    "sent": "Envoyé : {provider} l’a accepté{on}, sans en avoir encore signalé la remise.",
    "sent.smtp": "Envoyé : {provider} l’a accepté{on} ; il ne signale pas les remises.",
    "sent.outbox": "Gardé par {provider}{on} : rien n’a été envoyé.",
    "delivered": "Remis{on}.",
    "skipped": "{not_sent}.",
    "skipped.unsubscribed": "{not_sent} : {who} a arrêté {topic} par {channel}{optout}.",
    "skipped.unsubscribed.somehow": "{not_sent} : {topic} a été arrêté pour {this_address}.",
    "skipped.unsubscribed.elsewhere": (
        "{not_sent} : {topic} a été arrêté pour {this_address}{optout}, sous un autre identifiant."
    ),
    "skipped.suppressed": "{not_sent} : rien de tel ne part plus vers {this_address}{because}.",
    "barred.stop": "{not_sent} : {who} a répondu STOP à un SMS{barred}.",
    "barred.pause": "{not_sent} : {who} a mis les nouvelles et les offres en pause{barred}{until}.",
    "barred.hard_bounce": "{not_sent} : {this_address} a définitivement refusé un message{barred}.",
    "barred.soft_bounces": (
        "{not_sent} : trop de messages sont revenus de {this_address}, et les envois ont cessé{barred}."
    ),
    "barred.complaint": (
        "{not_sent} : un message vers {this_address} a été signalé comme indésirable{barred}."
    ),
    "barred.disputed": "{not_sent} : qui détient {this_address} a dit{barred} ne pas être {who}.",
    "barred.erasure": (
        "{not_sent} : {this_address} appartenait à une personne effacée{barred} et ne reçoit plus"
        " ni nouvelles ni offres."
    ),
    "barred.manual": "{not_sent} : la boutique a bloqué {this_address}{barred}.",
    "barred.imported": "{not_sent} : l’ancien outil de la boutique avait bloqué {this_address}.",
    "skipped.no_address": "{not_sent} : {no_address} pour {who}.",
    "skipped.no_consent": "{not_sent} : {who} n’a pas accepté {topic} par {channel}, et la loi l’exige.",
    "skipped.superseded": "{not_sent} : un message plus récent de même référence l’a remplacé.",
    "skipped.too_late": "{not_sent} : l’heure de sa campagne était déjà passée là où vit {who}.",
    "skipped.duplicate_address": (
        "{not_sent} : {this_address} figure aussi sous un autre identifiant, et une campagne n’y écrit qu’une"
        " fois."
    ),
    "skipped.country_not_allowed": "{not_sent} : le pays du numéro n’est pas de ceux où l’on envoie des SMS.",
    "skipped.budget": "{not_sent} : la limite de SMS du jour était atteinte.",
    "skipped.outside_hours": "{not_sent} : aucune heure permise ne s’est présentée.",
    "cancelled": "{not_sent} : il a été annulé{on}.",
    "expired": "{not_sent} : il a expiré{expiry}, avant de pouvoir partir.",
    "expired.again": "{not_sent} : il a expiré{expiry}, après {tries}{because}.",
    "expired.outside_hours": "{not_sent} : aucune heure permise avant son expiration{expiry}.",
    "expired.outside_hours.night": "{not_sent} : il était en retard et a expiré{expiry}, avant le matin.",
    "failed": "Échec{on} : {provider} l’a refusé{because}.",
    "failed.again": "Échec{on} : il n’est pas parti en {tries}{because}.",
    "failed.untried": "Échec{on} : rien n’a été envoyé{because}.",
    "failed.doubted": (
        "Échec{on} : {provider} l’a finalement refusé{because}, mais un essai précédent est peut-être arrivé."
    ),
    "failed.handed_over": "Échec{on} : {provider} l’a pris, mais il n’a pas été remis{because}.",
    "bounced": "Rejeté{on} : {the_address} ne l’a pas accepté{because}.",
    "complained": "Remis, mais {who} l’a signalé comme indésirable{on}.",
    "unknown": (
        "Sort inconnu : l’appel vers {provider} s’est rompu{on}, et le message est peut-être arrivé ;"
        " les rapports trancheront."
    ),
    "unknown.silent": (
        "Sort inconnu : l’appel vers {provider} s’est rompu{on}, et le message est peut-être arrivé ;"
        " aucun rapport n’est venu le dire."
    ),
    "unknown.smtp": (
        "Sort inconnu : l’appel vers {provider} s’est rompu{on}, et le message est peut-être arrivé ;"
        " aucun rapport ne le dira."
    ),
    "unknown.outbox": "Sort inconnu : {provider} ne l’a peut-être pas gardé ; rien n’a été envoyé.",
    "not_sent": "Non envoyé",
    "not_sent.again": "Non renvoyé",
    "perhaps": " ; un essai précédent est peut-être arrivé",
    "on": " le {day}",
    "due": " le {day} à {time} UTC",
    "due.unknown": " plus tard",
    "expiry": " le {day} à {time} UTC",
    "until": " jusqu’au {day}",
    "because": " ({detail})",
    "one_try": "un essai",
    "tries": "{count} essais",
    "nobody": "le destinataire",
    "no_provider": "le prestataire",
    "detail.lost_in_call": "le processus s’est arrêté pendant l’appel",
    "detail.lost_again": "le processus s’est arrêté plusieurs fois en le préparant",
    "detail.not_rendered": "son modèle n’a pas pu être rempli",
    "detail.unreadable": "ses données n’ont pas pu être déchiffrées",
    "provider.smtp": "le serveur SMTP",
    "provider.outbox": "la boîte d’envoi locale",
    "no_topic": "ce sujet",
    "topic": "« {title} »",
    "email.channel": "e-mail",
    "email.the_address": "l’adresse e-mail",
    "email.this_address": "cette adresse e-mail",
    "email.no_address": "aucune adresse e-mail n’est connue",
    "email.some_message": "d’un e-mail",
    "email.order_message": "de l’e-mail de la commande {order}",
    "sms.channel": "SMS",
    "sms.the_address": "le numéro de téléphone",
    "sms.this_address": "ce numéro de téléphone",
    "sms.no_address": "aucun numéro de téléphone n’est connu",
    "sms.some_message": "d’un SMS",
    "sms.order_message": "du SMS de la commande {order}",
    "optout.link": ", avec le lien {message}",
    "optout.one_click": ", avec le bouton de désinscription de sa messagerie, à partir {message}",
    "optout.mailto": ", par un e-mail à l’adresse de désinscription {message}",
    "optout.preference_centre": ", dans le centre de préférences",
    "optout.stop": ", en répondant STOP",
    "optout.complaint": ", à la suite {message} signalé comme indésirable",
    "optout.provider": ", avec le lien de désinscription du prestataire d’e-mail",
    "optout.undo": ", en revenant sur un choix",
    "optout.other": ", comme la boutique l’a noté",
}

TEXTS: Final[Mapping[str, Texts]] = {"en": ENGLISH, "fr": FRENCH}

MONTHS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": tuple(
        "January February March April May June July August September October November December".split()  # noqa: SIM905 - one line reads better than twelve
    ),
    "fr": tuple(
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()  # noqa: SIM905 - one line reads better than twelve
    ),
}

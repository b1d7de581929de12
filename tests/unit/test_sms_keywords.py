"""What an SMS that comes in asks for, and what must not be taken for it."""

import pytest

from notify.domain.sms_keywords import Keyword, asked_as, asked_in

STOPS = """
STOP
stop
STOP.
«STOP»
“Stop”
STOP 🙏
S.T.O.P
s t o p
STOPPPP
STOP 36105
STOP AU 36105
stop au 36 105
STOP36105
STOP SMS
STOP PUB
STOP +33757901234
Stop stop stop
UNSUBSCRIBE
END
QUIT
STOPALL
STOP ALL
REVOKE
OPTOUT
opt-out
CANCEL
ARRET
ARRÊT
ARRETT
Arrêter
arrêtez
ARRETE
désabonner
DESABONNEMENT
se desabonner
Se désinscrire svp
désinscrire
cessez svp
Désinscription
ANNULER
fin
stopper
Stoppez
désabonner
STOP please
please stop
Stop, thanks
arrêtez svp
STOP s'il vous plaît
Bonjour, stop merci
stop texting me
please stop sending me messages
I want to unsubscribe
unsubscribe me
stop all texts
remove me from your list
take me off this list
no more texts
don't text me again
leave me alone
désabonnez-moi
je veux me désabonner
arrêtez de m'envoyer des SMS
arrêt de la pub
je veux arrêter les sms
je ne veux plus de SMS
je ne souhaite plus recevoir vos messages
plus de pub svp
ne m'envoyez plus de messages
ne me contactez plus
je ne veux plus recevoir de publicité
retirez-moi de votre liste
laissez-moi tranquille
je ne veux plus de SMS stop
STOP je ne veux plus de sms
""".strip().splitlines()
ODD_STOPS = [
    "  Stop !",
    "\uff33\uff34\uff2f\uff30",
    "stop\u00a0!",
    "arre\u0302t",
    "STOP\nEnvoyé de mon iPhone",
]
STARTS = """
START
start.
YES
UNSTOP
Reprendre
DÉMARRER
oui
START 36105
Start svp
réactiver
Recommencer
resubscribe
""".strip().splitlines()
HELPS = """
HELP
help?
INFO
Aide
AIDE !
CONTACT
aide svp
""".strip().splitlines()
NOTHING = """
🙏
?
36105
svp
merci
can you stop by tomorrow?
stop by the shop
Please stop the order 99812
stop the delivery
don't stop
ne stoppez pas ma commande
annuler ma commande
cancel my order
arrêt de bus Sandaga
the end of the street
je veux arrêter la commande 99812
fin de journée svp
n'arrêtez pas
where is my parcel?
où est mon colis
start the delivery now
oui je serai là
yes I will be there at 5
contactez-moi au 771234567
info colis 99812
je ne veux plus du sac rouge mais du bleu
je ne veux pas arrêter les sms
START STOP
unstoppable
laissez le colis
please help me find the stop
no more sugar
non-stop
""".strip().splitlines()
EMPTY = ["", "   ", "\n", "stop " * 20]


@pytest.mark.parametrize("text", STOPS + ODD_STOPS)
def test_every_reasonable_wording_of_a_stop_counts(text: str) -> None:
    found = asked_in(text)
    assert found is not None
    assert found.keyword is Keyword.STOP


@pytest.mark.parametrize("text", STARTS)
def test_a_start(text: str) -> None:
    found = asked_in(text)
    assert found is not None
    assert found.keyword is Keyword.START


@pytest.mark.parametrize("text", HELPS)
def test_a_cry_for_help(text: str) -> None:
    found = asked_in(text)
    assert found is not None
    assert found.keyword is Keyword.HELP


@pytest.mark.parametrize("text", NOTHING + EMPTY)
def test_what_only_holds_such_a_word_asks_for_nothing(text: str) -> None:
    assert asked_in(text) is None


@pytest.mark.parametrize(
    ("text", "word", "locale"),
    [
        ("stop au 36105 svp", "STOP", None),
        ("Arrêtez, s'il vous plaît", "ARRETEZ", "fr"),
        ("unsubscribe awa.diop@example.com", None, None),
        ("Unsubscribe", "UNSUBSCRIBE", "en"),
        ("je ne veux plus de SMS", "ne plus recevoir", "fr"),
        ("AIDE", "AIDE", "fr"),
        ("CONTACT", "CONTACT", None),
    ],
)
def test_the_word_as_it_was_understood_and_its_language(
    text: str, word: str | None, locale: str | None
) -> None:
    found = asked_in(text)
    assert (found.word if found else None, found.locale if found else None) == (word, locale)


@pytest.mark.parametrize(
    ("told", "keyword"),
    [("STOP", Keyword.STOP), ("start", Keyword.START), ("HELP", Keyword.HELP), ("", None), ("X", None)],
)
def test_what_a_provider_has_understood(told: str, keyword: Keyword | None) -> None:
    found = asked_as(told)
    assert (found.keyword if found else None) is keyword

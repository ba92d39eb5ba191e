"""What an officer reads when a rule is broken: French and English, by the rule's stable code.

``{…}`` are filled from the catalogue (labels, articles, limits), never from the request.
"""

from typing import Final, NamedTuple

from receipt_service.errors import Violation


class RuleText(NamedTuple):
    """The two texts of a rule."""

    fr: str
    en: str


RULES: Final[dict[str, RuleText]] = {
    # Legal bases
    "basis.none": RuleText("Indiquez au moins une base légale.", "Give at least one legal basis."),
    "basis.too_many": RuleText("Indiquez au plus {limit} bases légales.", "Give at most {limit} legal bases."),
    "basis.unknown": RuleText(
        "Cette base légale n’est pas au catalogue {version}.", "This legal basis is not in catalogue {version}."
    ),
    "basis.duplicate": RuleText("Cette base légale est citée deux fois.", "This legal basis is given twice."),
    "basis.not_in_force": RuleText(
        "{article} n’était pas en vigueur à la date du contrôle.", "{article} was not in force on the day of the check."
    ),
    "basis.quality": RuleText(
        "Votre qualité ne permet pas d’agir sur le fondement de {article}.",
        "Your judicial quality does not allow you to act under {article}.",
    ),
    "basis.rank": RuleText(
        "{article} demande le grade de contrôleur au moins, ou la fonction de chef de poste.",
        "{article} requires at least the rank of controller, or the function of head of post.",
    ),
    "basis.field_required": RuleText("{article} : renseignez ce champ.", "{article}: this field is required."),
    "basis.field_not_allowed": RuleText(
        "{article} ne demande pas ce champ : retirez-le.", "{article} does not use this field: leave it out."
    ),
    "basis.must_be_true": RuleText(
        "{article} : la condition n’est pas remplie, cette base ne peut pas être utilisée.",
        "{article}: the condition is not met, this basis cannot be used.",
    ),
    "basis.accessory_only": RuleText(
        "{article} n’autorise pas à lui seul un contrôle : citez aussi {others}.",
        "{article} does not allow a check by itself: also give {others}.",
    ),
    "basis.excluded": RuleText(
        "{article} s’exerce hors de tout contrôle d’identité : ne le citez pas avec une telle base.",
        "{article} applies outside any identity check: do not give it beside such a basis.",
    ),
    "basis.parent_required": RuleText(
        "{article} suppose un contrôle d’identité préalable : citez sa base ou le numéro de son récépissé.",
        "{article} follows an identity check: give its legal basis or the number of its receipt.",
    ),
    "basis.parent_unknown": RuleText(
        "Le récépissé du contrôle préalable est introuvable.", "The receipt of the earlier check cannot be found."
    ),
    "basis.parent_not_allowed": RuleText(
        "Le contrôle préalable n’a pas l’une des bases que {article} demande.",
        "The earlier check does not have one of the bases that {article} requires.",
    ),
    "basis.metropolitan_only": RuleText(
        "{article} ne s’applique qu’en métropole.", "{article} applies in metropolitan France only."
    ),
    "basis.department": RuleText(
        "{article} ne s’applique qu’en : {departments}.", "{article} applies only in: {departments}."
    ),
    "offence.class": RuleText(
        "{article} : choisissez une catégorie parmi {allowed}.", "{article}: choose a class among {allowed}."
    ),
    "offence.natinf": RuleText(
        "{article} suppose une contravention constatée : indiquez son code NATINF (1 à 6 chiffres).",
        "{article} needs a recorded petty offence: give its NATINF code (1 to 6 digits).",
    ),
    "zone.unknown": RuleText(
        "{article} ne prévoit pas ce type de zone. Zones possibles : {allowed}.",
        "{article} does not provide for this type of zone. Possible zones: {allowed}.",
    ),
    "risk.unknown": RuleText("Ce type de risque n’est pas au catalogue.", "This type of risk is not in the catalogue."),
    "element.unknown": RuleText(
        "Cet élément objectif n’est pas au catalogue : seul un élément extérieur à la personne est admis.",
        "This objective element is not in the catalogue: only an element external to the person is accepted.",
    ),
    # Requisition
    "requisition.incomplete": RuleText(
        "La réquisition doit porter ce renseignement.", "The requisition must carry this information."
    ),
    "requisition.signed_after_start": RuleText(
        "La réquisition doit être signée avant le début de sa période.",
        "The requisition must be signed before its period begins.",
    ),
    "requisition.period_reversed": RuleText(
        "La période de la réquisition finit avant de commencer.", "The requisition’s period ends before it begins."
    ),
    "requisition.too_long": RuleText(
        "{article} : la période d’une réquisition ne dépasse pas {limit_fr}.",
        "{article}: a requisition’s period is at most {limit_en}.",
    ),
    "requisition.not_renewable": RuleText(
        "{article} ne prévoit pas de renouvellement.", "{article} provides for no renewal."
    ),
    "requisition.not_yet_valid": RuleText(
        "Le contrôle précède la période de la réquisition.", "The check is before the requisition’s period."
    ),
    "requisition.expired": RuleText(
        "Le contrôle suit la fin de la période de la réquisition.", "The check is after the requisition’s period."
    ),
    "requisition.place": RuleText(
        "La commune du contrôle n’est pas dans la réquisition.", "The commune of the check is not in the requisition."
    ),
    "requisition.commune_unknown": RuleText(
        "Cette commune n’existe pas au code officiel géographique.", "This commune is not in the official code."
    ),
    "requisition.offence": RuleText(
        "{article} ne vise pas cette infraction. Écrivez l’article (par exemple « CP 222-37 ») ou un groupe du "
        "catalogue.",
        "{article} does not cover this offence. Write the article (for example “CP 222-37”) or a group of the "
        "catalogue.",
    ),
    "requisition.too_many": RuleText(
        "Cette liste est trop longue (au plus {limit}).", "This list is too long (at most {limit})."
    ),
    # Operation, hold, searches
    "operation.starts_later": RuleText(
        "L’opération commence après le contrôle.", "The operation begins after the check."
    ),
    "operation.too_long": RuleText(
        "{article} : pas plus de {hours} heures consécutives dans un même lieu depuis le début de l’opération.",
        "{article}: at most {hours} consecutive hours in one place from the start of the operation.",
    ),
    "hold.incomplete": RuleText(
        "Indiquez le début et la fin du maintien.", "Give the beginning and the end of the hold."
    ),
    "hold.reversed": RuleText("Le maintien finit avant de commencer.", "The hold ends before it begins."),
    "hold.outside_check": RuleText(
        "Le maintien doit avoir lieu pendant le contrôle.", "The hold must take place during the check."
    ),
    "hold.too_long": RuleText(
        "{article} : le maintien dure {minutes} minutes au plus.",
        "{article}: the hold lasts at most {minutes} minutes.",
    ),
    "search.consent_required": RuleText(
        "{article} : la fouille ou la visite demande l’accord de la personne{or_prosecutor_fr}.",
        "{article}: the search needs the person’s consent{or_prosecutor_en}.",
    ),
    # Reasons and selection
    "reason.none": RuleText("Indiquez au moins un motif.", "Give at least one reason."),
    "reason.too_many": RuleText("Indiquez au plus {limit} motifs.", "Give at most {limit} reasons."),
    "reason.unknown": RuleText("Ce motif n’est pas au catalogue.", "This reason is not in the catalogue."),
    "reason.duplicate": RuleText("Ce motif est cité deux fois.", "This reason is given twice."),
    "reason.not_for_basis": RuleText(
        "Ce motif ne correspond à aucune des bases légales citées.",
        "This reason fits none of the legal bases given.",
    ),
    "reason.basis_without": RuleText("Aucun motif ne correspond à {article}.", "No reason fits {article}."),
    "reason_text.required": RuleText(
        "{article} demande les faits objectifs et propres à la personne, en quelques mots.",
        "{article} needs the objective facts, particular to the person, in a few words.",
    ),
    "text.generic": RuleText(
        "Ce texte ne dit rien de précis : décrivez ce que vous avez vu ou ce qui rend le risque réel ici.",
        "This text says nothing in particular: describe what you saw, or what makes the risk real here and now.",
    ),
    "selection.unknown": RuleText(
        "Ce mode de choix n’est pas au catalogue.", "This mode of selection is not in the catalogue."
    ),
    "selection.not_for_basis": RuleText(
        "Les bases légales citées n’admettent pas ce mode de choix.",
        "The legal bases given do not admit this mode of selection.",
    ),
    # Time
    "time.not_aware": RuleText(
        "L’heure doit porter son décalage (par exemple +01:00).", "The time must carry its offset (for example +01:00)."
    ),
    "time.out_of_range": RuleText("Cette date est impossible.", "This date is impossible."),
    "time.after_recorded": RuleText(
        "Un contrôle n’a pas pu commencer après l’enregistrement du récépissé corrigé.",
        "A check cannot have begun after the corrected receipt was recorded.",
    ),
    "time.device_ahead": RuleText(
        "L’horloge de l’appareil avance de plus de {minutes} minutes : réglez-la.",
        "The clock of the device is more than {minutes} minutes ahead: set it right.",
    ),
    "time.device_before_check": RuleText(
        "L’appareil dit avoir enregistré le contrôle avant qu’il ne commence.",
        "The device says that it recorded the check before it began.",
    ),
    "time.future": RuleText("Cette heure est dans le futur.", "This time is in the future."),
    "time.too_old": RuleText(
        "Le contrôle remonte à plus de {hours} heures : il ne peut plus être enregistré par cette voie.",
        "The check was more than {hours} hours ago: it can no longer be registered this way.",
    ),
    "time.ended_before_start": RuleText("Le contrôle finit avant de commencer.", "The check ends before it begins."),
    "time.held_too_long": RuleText(
        "{label_fr} : {minutes} minutes au plus depuis le début du contrôle.",
        "{label_en}: at most {minutes} minutes from the start of the check.",
    ),
    # Place
    "place.commune_unknown": RuleText(
        "Cette commune n’existe pas au code officiel géographique.", "This commune is not in the official code."
    ),
    "place.dwelling": RuleText(
        "Ce texte semble décrire un domicile : indiquez un lieu public (rue, place, gare…), sans logement ni étage.",
        "This text seems to describe a home: give a public place (street, square, station…), no dwelling or floor.",
    ),
    "place.street_number": RuleText(
        "N’indiquez pas de numéro dans la rue : le nom de la rue, un carrefour ou un repère suffit.",
        "Give no house number: the name of the street, a crossing or a landmark is enough.",
    ),
    "place.coordinates": RuleText(
        "N’indiquez pas de coordonnées : décrivez le lieu public en mots.",
        "Give no coordinates: describe the public place in words.",
    ),
    # Texts
    "text.empty": RuleText("Ce champ est vide.", "This field is empty."),
    "text.too_long": RuleText("Ce texte dépasse {limit} caractères.", "This text is longer than {limit} characters."),
    "text.control_character": RuleText(
        "Ce texte contient un caractère invisible ou un retour à la ligne : retirez-le.",
        "This text holds an invisible character or a line break: remove it.",
    ),
    "text.identity": RuleText(
        "Ce texte semble nommer la personne ou donner sa naissance, son téléphone ou son adresse : "
        "retirez-le, le carnet à souche ne garde aucune identité.",
        "This text seems to name the person or to give their birth, telephone or address: "
        "remove it, the stub-book keeps no identity.",
    ),
    "text.names_person": RuleText(
        "Ce texte semble nommer quelqu’un : écrivez une fonction (victime, témoin, responsable), jamais un nom.",
        "This text seems to name someone: write a role (victim, witness, person in charge), never a name.",
    ),
    "text.link": RuleText("N’écrivez pas d’adresse web.", "Write no web address."),
    "text.contact": RuleText(
        "N’écrivez ni numéro de téléphone ni adresse électronique.", "Write no telephone number and no e-mail address."
    ),
    "text.plate": RuleText("N’écrivez pas de plaque d’immatriculation.", "Write no number plate."),
    "text.number": RuleText(
        "N’écrivez pas de numéro de document, de sécurité sociale ni de longue suite de chiffres.",
        "Write no document number, social-security number or long run of digits.",
    ),
    "text.protected": RuleText(
        "Décrivez les faits et les gestes, jamais l’origine, l’apparence, la religion, la nationalité, l’âge, "
        "la santé, l’orientation ou les opinions (CSI art. R.434-16).",
        "Describe facts and acts, never origin, looks, religion, nationality, age, health, orientation or opinions "
        "(CSI art. R.434-16).",
    ),
    # Measures and outcomes
    "measure.unknown": RuleText("Cette mesure n’est pas au catalogue.", "This measure is not in the catalogue."),
    "measure.too_many": RuleText("Indiquez au plus {limit} mesures.", "Give at most {limit} measures."),
    "measure.duplicate": RuleText("Cette mesure est citée deux fois.", "This measure is given twice."),
    "measure.not_for_basis": RuleText(
        "{label_fr} : aucune des bases légales citées ne le permet.",
        "{label_en}: none of the legal bases given allows it.",
    ),
    "measure.quality": RuleText(
        "{label_fr} : votre qualité ne le permet pas.", "{label_en}: your judicial quality does not allow it."
    ),
    "outcome.none": RuleText("Indiquez l’issue du contrôle.", "Give the outcome of the check."),
    "outcome.too_many": RuleText("Indiquez au plus {limit} issues.", "Give at most {limit} outcomes."),
    "outcome.unknown": RuleText("Cette issue n’est pas au catalogue.", "This outcome is not in the catalogue."),
    "outcome.duplicate": RuleText("Cette issue est citée deux fois.", "This outcome is given twice."),
    "outcome.excludes_others": RuleText(
        "« {label_fr} » exclut toute autre issue.", "“{label_en}” excludes every other outcome."
    ),
    "outcome.quality": RuleText(
        "{label_fr} : votre qualité ne le permet pas.", "{label_en}: your judicial quality does not allow it."
    ),
    "outcome.order_required": RuleText(
        "{label_fr} : indiquez le numéro de l’officier de police judiciaire qui l’ordonne.",
        "{label_en}: give the number of the senior judicial police officer who orders it.",
    ),
    "outcome.needs_basis": RuleText(
        "{label_fr} : aucune des bases légales citées ne le permet.",
        "{label_en}: none of the legal bases given allows it.",
    ),
    "outcome.adults_only": RuleText("{label_fr} : impossible pour un mineur.", "{label_en}: not possible for a minor."),
    "outcome.minors_only": RuleText("{label_fr} : la personne est majeure.", "{label_en}: the person is an adult."),
    # Correction, cancellation
    "correction.explanation_required": RuleText(
        "Ce motif demande une explication.", "This reason needs an explanation."
    ),
    # Officer, person, recipient, language
    "ordered_by.required": RuleText(
        "{article} : vous agissez sur l’ordre et sous la responsabilité d’un officier de police judiciaire, "
        "indiquez son numéro.",
        "{article}: you act on the order and responsibility of a senior judicial police officer, give their number.",
    ),
    "ordered_by.unknown": RuleText(
        "Ce numéro n’est pas celui d’un agent de l’annuaire.", "This number is not in the directory."
    ),
    "ordered_by.not_opj": RuleText(
        "Ce numéro n’est pas celui d’un officier de police judiciaire.",
        "This number is not a senior judicial police officer’s.",
    ),
    "person.text": RuleText(
        "Ce champ est vide, trop long ou contient un caractère interdit.",
        "This field is empty, too long or holds a forbidden character.",
    ),
    "person.birth_date": RuleText(
        "Écrivez une date passée : AAAA-MM-JJ, AAAA-MM ou AAAA.", "Write a past date: YYYY-MM-DD, YYYY-MM or YYYY."
    ),
    "person.not_carried_over": RuleText(
        "Ce motif n’existe que pour une rectification : dites pourquoi l’identité n’est pas établie.",
        "This reason exists for a correction alone: say why the identity is not established.",
    ),
    "person.no_identity_basis": RuleText(
        "Aucune des bases légales citées ne permet de demander l’identité : choisissez « identité non demandée » "
        "ou citez une base qui le permet.",
        "None of the legal bases given allows identity to be asked for: choose “identity not asked for” "
        "or give a basis that does.",
    ),
    "recipient.none": RuleText(
        "Indiquez comment la personne reçoit son récépissé, ou qu’elle n’en veut pas.",
        "Say how the person gets the receipt, or that they decline it.",
    ),
    "recipient.declined_with_others": RuleText(
        "La personne ne peut pas à la fois refuser le récépissé et le recevoir.",
        "The person cannot both decline the receipt and get it.",
    ),
    "language.unknown": RuleText(
        "Cette langue n’est pas disponible à côté du français : {allowed}.",
        "This language is not available beside French: {allowed}.",
    ),
}
"""Rule code → texts; ``docs/catalogue.md`` lists the codes."""


def violation(field: str, rule: str, **parameters: object) -> Violation:
    """Make the violation of a rule at a JSON Pointer; ``parameters`` come from the catalogue alone."""
    text = RULES[rule]
    return Violation(field, rule, text.fr.format(**parameters), text.en.format(**parameters))

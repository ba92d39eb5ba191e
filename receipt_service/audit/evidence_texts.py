"""What stands in an evidence file for whoever checks it without us: commands, a script of the standard library, words.

``tests/acceptance/test_evidence_file.py`` runs the commands of both languages as they stand.
"""

from typing import Final

CHECK_INCLUSION: Final = '''\
"""Does leaf.jwt stand in the log under the root of checkpoint? Python 3, nothing else. Prints the root, or fails."""

import base64
import hashlib

leaf = hashlib.sha256(b"\\x00" + open("leaf.jwt", "rb").read()).digest()
head, _, checkpoint = open("leaf.tlog-proof", "rb").read().partition(b"\\n\\n")
assert checkpoint == open("checkpoint", "rb").read(), "the proof is under another checkpoint"
lines = [line for line in head.decode().split("\\n")[1:] if not line.startswith("extra ")]
index, path = int(lines[0].removeprefix("index ")), [base64.b64decode(line) for line in lines[1:]]
_, size, root = checkpoint.decode().split("\\n")[:3]

# RFC 9162, section 2.1.3.2
fn, sn, r = index, int(size) - 1, leaf
assert 0 <= fn <= sn, "the index lies outside the tree"
for p in path:
    assert sn, "the proof is too long"
    if fn & 1 or fn == sn:
        r = hashlib.sha256(b"\\x01" + p + r).digest()
        while not fn & 1 and fn:
            fn, sn = fn >> 1, sn >> 1
    else:
        r = hashlib.sha256(b"\\x01" + r + p).digest()
    fn, sn = fn >> 1, sn >> 1
assert sn == 0 and r == base64.b64decode(root), "the leaf is not under this root"
print("in the log:", index, "of", size, "root", root)
'''

_COMMANDS: Final = """\
```sh
openssl dgst -sha256 -verify leaf.key.pem -signature leaf.signature.der leaf.signed
openssl pkeyutl -verify -pubin -inkey checkpoint.key.pem -rawin -in checkpoint.signed -sigfile checkpoint.signature
python3 check_inclusion.py
```
"""

_DISCLOSURES: Final = """\
```sh
python3 -c "
import base64, hashlib
leaf, *shown = open('presented.sd-jwt').read().rstrip('~').split('~')
payload = base64.urlsafe_b64decode(leaf.split('.')[1] + '==').decode()
for each in shown:
    digest = base64.urlsafe_b64encode(hashlib.sha256(each.encode()).digest()).decode().rstrip('=')
    assert digest in payload, 'not signed'
    print(base64.urlsafe_b64decode(each + '==').decode())
assert open('leaf.jwt').read() == leaf
"
```
"""

README: Final = f"""\
# How to check this file without us

This is the evidence about one receipt of an identity check. `presented.sd-jwt` is what was presented, with the groups
of facts that whoever presented it chose to show. Everything else is there so that nobody has to be believed.

## What it shows

1. The issuer signed the receipt: `leaf.jwt` carries its signature (ES256) over five digests.
2. Every group that is shown is one of those that were signed.
3. The leaf stands in the public transparency log (C2SP tlog-tiles): the operator cannot have made it afterwards, and
   cannot have deleted it unseen.

`verdict.json` says what the auditor found when the file was made; its codes are explained in the auditor's guide.

## Commands

In the folder where the file was unpacked, with OpenSSL 3 and Python 3 alone:

{_COMMANDS}
They print `Verified OK`, `Signature Verified Successfully`, and the entry's place in the log. What was shown, and that
it was signed:

{_DISCLOSURES}
With the project's program, trusting keys that you got elsewhere:

```sh
receipt-service audit verify-evidence FILE.zip --trust-root KEYS.json
receipt-service verify presented.sd-jwt --trust-root KEYS.json
```

## What you still have to know from elsewhere

The keys. `issuer-keys.json`, `leaf.key.pem` and `checkpoint.key.pem` are the ones that the service names as its own.
Compare them with those that the issuer publishes (`/.well-known/jwt-vc-issuer`), that witnesses of the log know, or
that you were given by another way. `manifest.json` lists every file with its SHA-256; `manifest.jws` is the issuer's
signature over it.
"""

LISEZMOI: Final = f"""\
# Comment vérifier ce dossier sans nous

Voici les éléments de preuve relatifs à un récépissé de contrôle d’identité. `presented.sd-jwt` est ce qui a été
présenté, avec les seuls groupes de faits que son porteur a choisi de montrer. Le reste dispense de croire qui que ce
soit.

## Ce qu’il établit

1. L’émetteur a signé le récépissé : `leaf.jwt` porte sa signature (ES256) sur cinq empreintes.
2. Chaque groupe montré est l’un de ceux qui ont été signés.
3. La feuille figure au journal public de transparence (C2SP tlog-tiles) : l’exploitant n’a pas pu la fabriquer après
   coup, ni l’effacer sans que cela se voie.

`verdict.json` dit ce que l’auditeur a constaté à la création du dossier ; le guide de l’auditeur en explique les codes.

## Commandes

Dans le répertoire où le dossier a été extrait, avec OpenSSL 3 et Python 3 seulement :

{_COMMANDS}
Elles affichent `Verified OK`, `Signature Verified Successfully`, puis la place de la feuille dans le journal. Ce qui a
été montré, et que cela a été signé :

{_DISCLOSURES}
Avec le programme du projet, en se fiant à des clés obtenues par ailleurs :

```sh
receipt-service audit verify-evidence DOSSIER.zip --trust-root CLES.json
receipt-service verify presented.sd-jwt --trust-root CLES.json
```

## Ce qu’il faut encore savoir par ailleurs

Les clés. `issuer-keys.json`, `leaf.key.pem` et `checkpoint.key.pem` sont celles que le service dit siennes.
Comparez-les à celles que l’émetteur publie (`/.well-known/jwt-vc-issuer`), que les témoins du journal connaissent, ou
qui vous ont été remises par une autre voie. `manifest.json` énumère chaque fichier avec son SHA-256 ; `manifest.jws`
est la signature de l’émetteur sur cette liste.
"""

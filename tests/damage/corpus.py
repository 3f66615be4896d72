"""Kinds of damage: how each is done to a CA's directory or a certificate folder, and what the doctor owes its owner.

It proves nothing by itself; damage_test.py runs it. Both stores are real: five generations of a CA (its last two are on
disk) and three of a folder, all made by the program under test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ways import (beside, control, copy_of_live, copy_of_other_kind, edited, flip, foreign_certificate, foreign_list, in_all,
                  in_control, in_kept, kept, live, member, new_key, of_another_generation, overwrite, remove,
                  replaced_by_copy, to_directory, to_fifo, to_link, to_text, torn_index, truncate, twice,
                  wide_open, with_a_directory, without_the_second)  # fmt: skip

CA, FOLDER = "ca", "folder"


@dataclass(frozen=True)
class Damage:
    name: str
    store: str  # CA or FOLDER
    do: Callable[[Path], None]  # to the store's directory
    kind: str  # of the finding that names it
    place: str  # where the finding's path ends
    what: str  # a part of what it says
    hint: str  # a part of the remedy
    exit: int = 1
    mended: bool = True  # by --repair: the doctor is content then
    untouched: bool = False  # --repair changes nothing at all
    lost: bool = False  # a commit that cannot be had back: the state before it is what is left
    follow: bool = True  # afterwards the store's next command works
    aside: tuple[str, ...] = ()  # beginnings of the names under which --repair set something aside
    next_command: bool = False  # not --repair but the next command mends it (a left-over)


REPAIR = "lockstep doctor --repair "
RECOVER = "lockstep recover "
NEW_LIST = " crl"
ADOPT = "lockstep doctor --adopt "
BACKUP = "from a backup"
MOVE = "then move it away: mv "


def of_the_store(store: str, some_member: str) -> list[Damage]:
    """What is the same for both: the pointer, the manifest, the record, and everything that lies around."""
    made = []

    def add(name: str, do: Callable[[Path], None], kind: str, place: str, what: str, hint: str, **more: object) -> None:
        made.append(Damage(f"{store}: {name}", store, do, kind, place, what, hint, **more))

    gen = ("gen-",)
    manifest = "manifest.json"
    # The manifest of the generation in use. Its files are whole: nothing is lost.
    add("manifest truncated", member(manifest, truncate), "damage", "", "is not a valid manifest", REPAIR, aside=gen)
    add("manifest flipped", member(manifest, edited(lambda text: text.replace('"sha256": "', '"sha256": "x', 1))),
        "damage", "", "is not a valid manifest", REPAIR, aside=gen)
    add("manifest missing", member(manifest, remove), "damage", "", "manifest.json' is missing", REPAIR, aside=gen)
    add("manifest empty", member(manifest, overwrite("")), "damage", "", "is not a valid manifest", REPAIR, aside=gen)
    add("manifest of another generation", member(manifest, of_another_generation), "damage", "",
        "is the manifest of generation ", REPAIR, aside=gen)
    add("manifest replaced by a directory", member(manifest, to_directory), "damage", "", "", REPAIR, aside=gen)
    # The pointer.
    add("pointer missing", in_control("current", remove), "damage", "/current", "is missing", REPAIR)
    add("pointer dangling", in_control("current", to_link("gen-00000042")), "damage", "/gen-00000042",
        "generation 42 is missing", REPAIR)
    add("pointer outside", in_control("current", to_link("../../elsewhere")), "damage", "/current",
        "points at '../../elsewhere', which is no generation", REPAIR, aside=("current",))
    add("pointer is a directory", in_control("current", to_directory), "damage", "/current", "is not a symbolic link",
        REPAIR, aside=("current",))
    add("pointer is a regular file", in_control("current", to_text("gen-00000001\n")), "damage", "/current",
        "is not a symbolic link", REPAIR, aside=("current",))
    add("pending dangling", in_control("pending", to_link("gen-00000042")), "damage", "/pending",
        "generation 42 is missing", REPAIR, aside=("pending",))
    add("pending is a file", in_control("pending", to_text("x")), "damage", "/pending", "is not a symbolic link", REPAIR,
        aside=("pending",))
    # Generations.
    add("generation missing", lambda path: remove(live(path)), "damage", "", "is missing from", REPAIR, lost=store == FOLDER)
    add("generation is a file", lambda path: to_text("x")(live(path)), "damage", "",
        "it is a regular file where the directory of the generation belongs", REPAIR, lost=store == FOLDER, aside=gen)
    add("kept generation damaged", in_kept(some_member, truncate), "damage", "", "a kept generation is damaged", REPAIR,
        aside=gen)
    add("kept generation without manifest", in_kept(manifest, remove), "note", "", "a kept generation lacks files", "",
        exit=0)
    add("kept generation with another manifest", in_kept(manifest, of_another_generation), "damage", "",
        "a kept generation is damaged", REPAIR, aside=gen)
    add("foreign generation, a copy", copy_of_live, "damage", "/gen-00000099", "a copy, or moved here", REPAIR,
        aside=("gen-00000099",))
    add("foreign generation of another kind", copy_of_other_kind, "damage", "/gen-00000099", "of another store", REPAIR,
        aside=("gen-00000099",))
    add("directory under a generation's name", in_control("gen-00000077", to_directory), "leftover", "/gen-00000077",
        "never became live", RECOVER, exit=0, next_command=True)
    add("directory in a kept generation", in_kept("sub", to_directory), "damage", "", "not what the store makes under",
        REPAIR, aside=gen)
    # The record.
    add("record empty", in_control("history", overwrite("")), "damage", "/history", "is not a list of generations",
        REPAIR, aside=("history",))
    add("record is a directory", in_control("history", to_directory), "damage", "/history", "is not a regular file",
        REPAIR, aside=("history",))
    # What lies around.
    add("unexpected file", in_control("notes.txt", to_text("mine")), "note", "/notes.txt",
        "nothing that a store makes has this name", MOVE, exit=0)
    add("left-over temporary", in_control(".current.abc123.tmp", to_text("")), "leftover", "/.current.abc123.tmp",
        "a temporary that a crash left", RECOVER, exit=0, next_command=True)
    add("foreign directory under a temporary's name",
        in_control(".gen-00000050.abc123.tmp", with_a_directory), "damage", "/.gen-00000050.abc123.tmp",
        "not what the store makes under this name", REPAIR, aside=(".gen-00000050.abc123.tmp",))
    add("draft is a file", in_control("draft", to_text("x")), "damage", "/draft", "not what the store makes", REPAIR,
        aside=("draft",))
    add("lock is a directory", in_control("lock", to_directory), "damage", "/lock", "not what the store makes", MOVE,
        mended=False, untouched=True, follow=False)
    add("no .lockstep", lambda path: remove(control(path)), "damage", "/.lockstep", "with it every generation", BACKUP,
        mended=False, untouched=True, follow=False)
    add(".lockstep is a file", lambda path: to_text("x")(control(path)), "damage", "/.lockstep",
        "it is not the directory that holds the generations", BACKUP, mended=False, untouched=True, follow=False)
    # Stable names.
    name = some_member
    add("stable name missing", beside(name, remove), "leftover", f"/{name}", "the link is missing", RECOVER, exit=0,
        next_command=True)
    add("stable name leads elsewhere", beside(name, to_link("/etc/hostname")), "damage", f"/{name}",
        "it is a link to '/etc/hostname'", REPAIR, aside=(name,))
    add("stable name is a directory", beside(name, to_directory), "damage", f"/{name}", "it is a directory where", MOVE,
        mended=False, untouched=True, follow=False)
    add("stable name is a FIFO", beside(name, to_fifo), "damage", f"/{name}", "it is a FIFO", REPAIR, aside=(name,))
    add("stable name is an edited file", beside(name, replaced_by_copy("# mine\n")), "edited", f"/{name}",
        "a regular file where the store keeps a link", RECOVER, mended=False, untouched=True, follow=False)
    return made


def of_a_ca() -> list[Damage]:
    made = []

    def add(name: str, do: Callable[[Path], None], kind: str, place: str, what: str, hint: str, **more: object) -> None:
        made.append(Damage(f"ca: {name}", CA, do, kind, place, what, hint, **more))

    gen = ("gen-",)
    for name in ("ca.key", "ca.crt", "serial", "crlnumber", "index.json"):
        add(f"{name} missing", member(name, remove), "damage", f"/{name}", "the file is missing", REPAIR, aside=gen)
        add(f"{name} truncated", member(name, truncate), "damage", f"/{name}", " bytes where ", REPAIR, aside=gen)
        add(f"{name} is a directory", member(name, to_directory), "damage", f"/{name}",
            "it is a directory where a file was committed", REPAIR, aside=gen)  # fmt: skip
    add("ca.key flipped", member("ca.key", flip), "damage", "/ca.key", "another SHA-256", REPAIR, aside=gen)
    add("ca.crt flipped", member("ca.crt", flip), "damage", "/ca.crt", "another SHA-256", REPAIR, aside=gen)
    add("ca.key is a link", member("ca.key", to_link("/etc/hostname")), "damage", "/ca.key",
        "it is a symbolic link where a file was committed", REPAIR, aside=gen)
    add("serial is a FIFO", member("serial", to_fifo), "damage", "/serial", "it is a FIFO", REPAIR, aside=gen)
    add("ca.key readable by all", member("ca.key", wide_open), "damage", "/ca.key",
        "others can get at this key: its mode is 644", "chmod 600 ")
    add("another CA's key", member("ca.key", new_key), "damage", "/ca.key", "it is not the key of ca.crt", REPAIR, aside=gen)
    add("key gone everywhere", in_all("ca.key", remove), "damage", "/ca.key", "the file is missing", REPAIR, mended=False,
        untouched=True, follow=False)
    add("key damaged everywhere", in_all("ca.key", truncate), "damage", "/ca.key", " bytes where ", REPAIR, mended=False,
        untouched=True, follow=False)
    # The index.
    add("index with a torn last line", member("index.json", edited(torn_index)), "damage", "/index.json", " bytes where ",
        REPAIR, aside=gen)
    add("index with a serial twice", member("index.json", edited(twice)), "damage", "/index.json",
        "its serial 02 is not above the one before it", REPAIR, aside=gen)
    add("index without a certificate", member("index.json", edited(without_the_second)), "damage", "/certs/03.pem",
        "index.json has no entry for serial 03", REPAIR, aside=gen)
    add("index empty", member("index.json", overwrite("")), "damage", "/index.json", " bytes where ", REPAIR, aside=gen)
    add("certificate file missing", beside("certs/03.pem", remove), "damage", "/index.json",
        "entry 03 has no certificate file", BACKUP, mended=False, untouched=True)
    add("certificate file flipped", beside("certs/03.pem", flip), "damage", "/certs/03.pem", "", BACKUP, mended=False,
        untouched=True)
    add("certificate file is another's", foreign_certificate("03.pem"), "damage", "/certs/03.pem",
        "", BACKUP, mended=False, untouched=True)
    add("certificate file is a FIFO", beside("certs/03.pem", to_fifo), "damage", "/certs/03.pem", "is not a regular file",
        BACKUP, mended=False, untouched=True)
    add("certs/ missing", beside("certs", remove), "damage", "/certs", "it is missing", BACKUP, mended=False,
        untouched=True, follow=False)
    add("certificate of another CA", foreign_certificate("01.pem"), "damage", "/certs/01.pem", "this CA did not sign it",
        REPAIR, aside=("01.pem",))
    add("junk in certs/", beside("certs/01.pem", to_text("junk")), "damage", "/certs/01.pem", "no entry for serial 01",
        REPAIR, aside=("01.pem",))
    add("a stranger in certs/", beside("certs/README", to_text("mine")), "note", "/certs/README",
        "it is not a certificate's file", "", exit=0)
    add("a certificate never recorded", foreign_certificate("05.pem"), "leftover", "/certs/05.pem", "never recorded", RECOVER,
        exit=0, next_command=True)
    # Counters.
    add("serial behind", member("serial", overwrite("02\n")), "damage", "/serial",
        "is not above the highest one in index.json", REPAIR, aside=gen)
    add("serial is junk", member("serial", overwrite("xx\n")), "damage", "/serial", "", REPAIR, aside=gen)
    add("CRL number behind", member("crlnumber", overwrite("01\n")), "damage", "/crlnumber",
        "the next CRL number is not above that of ca.crl", REPAIR, aside=gen)
    # The list.
    add("ca.crl missing", member("ca.crl", remove), "edited", "/ca.crl", "the file is missing", NEW_LIST, mended=False,
        untouched=True, follow=False)
    add("ca.crl truncated", member("ca.crl", truncate), "damage", "/ca.crl", " bytes where ", NEW_LIST, aside=gen)
    add("ca.crl flipped", member("ca.crl", flip), "damage", "/ca.crl", "another SHA-256", NEW_LIST, aside=gen)
    add("ca.crl of another CA", member("ca.crl", foreign_list), "damage", "/ca.crl", "this CA did not sign it", NEW_LIST,
        aside=gen)
    return made


def of_a_folder() -> list[Damage]:
    made = []

    def add(name: str, do: Callable[[Path], None], kind: str, place: str, what: str, hint: str, **more: object) -> None:
        made.append(Damage(f"folder: {name}", FOLDER, do, kind, place, what, hint, **more))

    gen = ("gen-",)
    # One file at a time can be had back from the others of its generation.
    for name in ("cert.pem", "chain.pem", "fullchain.pem", "privkey.pem", "metadata.json"):
        add(f"{name} missing", member(name, remove), "damage", f"/{name}", "the file is missing", REPAIR, aside=gen)
        add(f"{name} is a directory", member(name, to_directory), "damage", f"/{name}",
            "it is a directory where a file was committed", REPAIR, aside=gen)
    for name in ("cert.pem", "fullchain.pem", "privkey.pem", "metadata.json"):
        add(f"{name} truncated", member(name, truncate), "damage", f"/{name}", " bytes where ", REPAIR, aside=gen)
        add(f"{name} empty", member(name, overwrite("")), "damage", f"/{name}", " bytes where ", REPAIR, aside=gen)
    add("cert.pem flipped", member("cert.pem", flip), "damage", "/cert.pem", "another SHA-256", REPAIR, aside=gen)
    add("privkey.pem flipped", member("privkey.pem", flip), "damage", "/privkey.pem", "another SHA-256", REPAIR, aside=gen)
    add("privkey.pem is a link", member("privkey.pem", to_link("/etc/hostname")), "damage", "/privkey.pem",
        "it is a symbolic link where a file was committed", REPAIR, aside=gen)
    add("privkey.pem is a FIFO", member("privkey.pem", to_fifo), "damage", "/privkey.pem", "it is a FIFO", REPAIR, aside=gen)
    add("privkey.pem readable by all", member("privkey.pem", wide_open), "damage", "/privkey.pem",
        "others can get at this key: its mode is 644", "chmod 640 ")
    add("combined.pem readable by all", member("combined.pem", wide_open), "damage", "/combined.pem",
        "others can get at this key: its mode is 644", "chmod 640 ")
    add("cert.pem closed", member("cert.pem", lambda path: path.chmod(0o600)), "note", "/cert.pem",
        "its mode is 600 where 644 was committed", "chmod 644 ", exit=0)
    add("key of another certificate", member("privkey.pem", new_key), "damage", "/privkey.pem",
        "the private key does not belong to the certificate", REPAIR, aside=gen)
    add("combined.pem edited", member("combined.pem", edited(lambda text: text + "# mine\n")), "damage", "/combined.pem",
        " bytes where ", REPAIR, aside=gen)
    add("combined.pem missing", member("combined.pem", remove), "edited", "/combined.pem", "the file is missing", ADOPT,
        mended=False, untouched=True, follow=False)
    add("nginx.conf edited", member("nginx.conf", edited(lambda text: text + "# mine\n")), "damage", "/nginx.conf",
        " bytes where ", REPAIR, aside=gen)

    def key_lost(store: Path) -> None:
        remove(live(store) / "privkey.pem")
        remove(live(store) / "combined.pem")

    def certificate_lost(store: Path) -> None:
        for name in ("cert.pem", "fullchain.pem", "combined.pem"):
            flip(live(store) / name)

    def every_key_lost(store: Path) -> None:
        for generation in control(store).glob("gen-*"):
            remove(generation / "privkey.pem")
            remove(generation / "combined.pem")

    add("key lost with all copies", key_lost, "damage", "/privkey.pem", "the file is missing", REPAIR, lost=True, aside=gen)
    add("certificate lost with all copies", certificate_lost, "damage", "/cert.pem", "another SHA-256", REPAIR, lost=True,
        aside=gen)
    add("every key lost", every_key_lost, "damage", "/privkey.pem", "the file is missing", REPAIR, mended=False,
        untouched=True, follow=False)
    return made


CORPUS = (*of_the_store(CA, "ca.crt"), *of_the_store(FOLDER, "cert.pem"), *of_a_ca(), *of_a_folder())

"""The vocabulary of drawn scenes: objects, colors, shapes, and how captions name them."""

from __future__ import annotations

ICONS = {
    pair.split(":")[0]: pair.split(":")[-1]
    for pair in """
    dog:dog-face cat:cat-face pig:pig panda:panda koala:koala lion:lion fox:fox monkey:monkey
    elephant:elephant zebra:zebra penguin:penguin owl:owl parrot:parrot frog:frog turtle:turtle
    whale:spouting-whale octopus:octopus crab:crab snail:snail butterfly:butterfly bee:honeybee
    ladybug:lady-beetle spider:spider rose:rose tree:deciduous-tree palm:palm-tree cactus:cactus
    mushroom:mushroom grapes:grapes watermelon:watermelon banana:banana pineapple:pineapple
    apple:red-apple cherries:cherries strawberry:strawberry eggplant:eggplant carrot:carrot
    corn:ear-of-corn cheese:cheese-wedge hamburger:hamburger fries:french-fries pizza:pizza
    doughnut:doughnut cake:birthday-cake coffee:hot-beverage popcorn:popcorn car:automobile
    bus:bus tractor:tractor bicycle:bicycle airplane:airplane helicopter:helicopter
    rocket:rocket sailboat:sailboat anchor:anchor house:house castle:castle tent:tent
    clock:alarm-clock sun:sun cloud:cloud rainbow:rainbow umbrella:umbrella snowman:snowman
    fire:fire balloon:balloon gift:wrapped-gift trophy:trophy football:soccer-ball guitar:guitar
    drum:drum camera:camera television:television telephone:telephone book:open-book key:key
    scissors:scissors bell:bell crown:crown hat:top-hat shirt:t-shirt glasses:glasses
    robot:robot ghost:ghost alien:alien skull:skull bomb:bomb magnet:magnet
    """.split()
}
"""The icon of each object word in the emoji sets."""

OBJECTS = tuple(ICONS)

COLORS = {
    "red": (222, 46, 52),
    "orange": (244, 144, 12),
    "yellow": (250, 204, 40),
    "green": (64, 160, 60),
    "blue": (50, 110, 220),
    "purple": (140, 80, 190),
    "pink": (245, 130, 180),
    "brown": (140, 90, 60),
    "black": (30, 30, 34),
    "white": (245, 245, 245),
    "gray": (130, 130, 130),
}

SHAPES = ("circle", "square", "triangle", "heart", "diamond", "star")

SHIPPED_STYLES = ("fluent-emoji", "fluent-emoji-flat", "fxemoji", "noto", "noto-v1")
HELD_OUT_STYLE = "noto"
SEEN_STYLES = tuple(style for style in SHIPPED_STYLES if style != HELD_OUT_STYLE)

PREFIXES = ("", "", "a photo of ", "a picture of ", "an image of ", "a drawing of ")
OPPOSITES = {
    "left of": "right of",
    "right of": "left of",
    "above": "below",
    "below": "above",
}
PAIRINGS = ("and", "next to", "with", "beside")
NUMBERS = {2: "two", 3: "three"}

_IRREGULAR = {
    "grapes": "grapes",
    "cherries": "cherries",
    "fries": "fries",
    "scissors": "scissors",
    "glasses": "glasses",
    "popcorn": "popcorn",
}
PLURAL_ONLY = frozenset({"grapes", "cherries", "fries", "scissors", "glasses"})


def singular(noun: str) -> str:
    """Return the noun with its article: "an apple", "a red circle", "grapes"."""
    if noun in PLURAL_ONLY:
        return noun
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def plural(noun: str) -> str:
    """Return the plural of a noun; in "red circle", of the last word."""
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def counted(noun: str, count: int) -> str:
    """Return the noun with its number: "an apple" for 1, "two apples" for 2."""
    return singular(noun) if count == 1 else f"{NUMBERS[count]} {plural(noun)}"

"""What the drawn world holds: objects, colours, shapes, and how captions name them."""

from __future__ import annotations

ICONS = {
    pair.split(":")[0]: pair.split(":")[-1]
    for pair in """
    dog:dog-face cat:cat-face horse:horse cow:cow pig:pig sheep:ewe goat:goat rabbit:rabbit
    mouse:mouse bear:bear panda:panda koala:koala tiger:tiger lion:lion fox:fox wolf:wolf
    monkey:monkey elephant:elephant camel:bactrian-camel giraffe:giraffe zebra:zebra
    chicken:chicken penguin:penguin bird:bird eagle:eagle duck:duck owl:owl parrot:parrot
    frog:frog crocodile:crocodile turtle:turtle snake:snake dragon:dragon whale:spouting-whale
    dolphin:dolphin fish:tropical-fish shark:shark octopus:octopus crab:crab snail:snail
    butterfly:butterfly bee:honeybee ladybug:lady-beetle spider:spider
    bouquet:bouquet rose:rose sunflower:sunflower tulip:tulip tree:deciduous-tree palm:palm-tree
    cactus:cactus clover:four-leaf-clover mushroom:mushroom
    grapes:grapes melon:melon watermelon:watermelon orange:tangerine lemon:lemon banana:banana
    pineapple:pineapple mango:mango apple:red-apple pear:pear peach:peach cherries:cherries
    strawberry:strawberry kiwi:kiwi-fruit tomato:tomato coconut:coconut avocado:avocado
    eggplant:eggplant potato:potato carrot:carrot corn:ear-of-corn broccoli:broccoli
    bread:bread croissant:croissant cheese:cheese-wedge hamburger:hamburger fries:french-fries
    pizza:pizza hotdog:hot-dog sandwich:sandwich taco:taco egg:egg popcorn:popcorn sushi:sushi
    icecream:soft-ice-cream doughnut:doughnut cookie:cookie cake:birthday-cake cupcake:cupcake
    pie:pie chocolate:chocolate-bar lollipop:lollipop coffee:hot-beverage wine:wine-glass
    beer:beer-mug
    car:automobile taxi:taxi bus:bus truck:delivery-truck tractor:tractor bicycle:bicycle
    motorcycle:motorcycle train:locomotive airplane:airplane helicopter:helicopter rocket:rocket
    ship:ship sailboat:sailboat anchor:anchor house:house castle:castle tent:tent
    clock:alarm-clock sun:sun moon:crescent-moon cloud:cloud rainbow:rainbow umbrella:umbrella
    snowman:snowman fire:fire balloon:balloon gift:wrapped-gift trophy:trophy
    football:soccer-ball basketball:basketball tennis:tennis
    guitar:guitar violin:violin trumpet:trumpet drum:drum piano:musical-keyboard
    camera:camera television:television computer:laptop telephone:telephone book:open-book
    lamp:light-bulb key:key hammer:hammer scissors:scissors pencil:pencil bell:bell
    crown:crown hat:top-hat shirt:t-shirt dress:dress glasses:glasses backpack:backpack
    bed:bed chair:chair toilet:toilet robot:robot ghost:ghost alien:alien skull:skull bomb:bomb
    magnet:magnet telescope:telescope microscope:microscope ladder:ladder
    """.split()
}
"""Object word -> the icon that draws it in the emoji sets."""

OBJECTS = tuple(ICONS)

COLOURS = {
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
    "sheep": "sheep",
    "mouse": "mice",
    "wolf": "wolves",
    "fish": "fish",
    "grapes": "grapes",
    "cherries": "cherries",
    "fries": "fries",
    "scissors": "scissors",
    "glasses": "glasses",
    "popcorn": "popcorn",
    "sushi": "sushi",
    "tennis": "tennis",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "mango": "mangoes",
}
PLURAL_ONLY = frozenset({"grapes", "cherries", "fries", "scissors", "glasses"})


def singular(noun: str) -> str:
    """The noun with its article: "an apple", "a red circle", "grapes"."""
    if noun in PLURAL_ONLY:
        return noun
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def plural(noun: str) -> str:
    """The noun's plural; of "red circle" the last word's."""
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def counted(noun: str, count: int) -> str:
    """The noun with its number: one is "an apple", two are "two apples"."""
    return singular(noun) if count == 1 else f"{NUMBERS[count]} {plural(noun)}"

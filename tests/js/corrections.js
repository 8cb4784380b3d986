// Sentences and wishes for `learn`, made by rule: what a reader might correct in a translation into German. Each target
// is the model's own translation of the day with at most three words changed, so it outlasts a new checkpoint.

const PEOPLE = ["The teacher", "My brother", "An old man", "The little girl", "Our neighbour"];
const DEEDS = [
  "is reading a book in the garden",
  "bought a new car yesterday",
  "lives in a small house near the river",
  "wants to drink a cup of coffee",
  "is waiting for the bus",
  "works in a big city",
  "often goes for a walk with the dog",
  "forgot the key at home",
];

/** Everyday sentences that are told by hand. */
const SAID = [
  "Can you help me, please?",
  "Where is your jacket?",
  "I would like to buy a ticket.",
  "We have to hurry, the train leaves soon.",
  "She gave me a beautiful picture.",
  "He always talks about his job.",
  "The meeting starts at nine o'clock.",
  "Please close the window.",
  "I don't know the answer.",
  "They are happy about the good weather.",
  "Did you see the film last night?",
  "The children are playing in the street.",
  "My mother is cooking dinner in the kitchen.",
  "I need a doctor.",
  "The food in this restaurant is excellent.",
  "What do you do in your free time?",
  "The boy is throwing a stone into the water.",
  "You should call your parents.",
  "I lost my phone on the way home.",
  "He can speak three languages.",
  "The shop is closed on Sundays.",
  "A woman in a red dress is dancing.",
  "Two men are repairing the roof.",
  "Tomorrow I will clean my room.",
  "It was too cold to swim.",
  "The girl is laughing because the cat is funny.",
  "Do you want to eat something?",
  "I have never been to this country.",
  "The student asked a difficult question.",
  "A man is sitting on a horse.",
  "We are looking for a cheap hotel.",
  "My friend is ill today.",
  "The police are looking for the thief.",
  "I believe that you are right.",
  "This is the best day of my life.",
  "She started to cry.",
  "The dog is running across the field.",
  "Could you repeat that, please?",
  "He bought flowers for his wife.",
  "I am afraid of spiders.",
  "The plane landed on time.",
  "Your idea is very interesting.",
  "The old woman told us a story.",
  "My father is angry because I came home late.",
  "They want to build a bridge.",
  "We met at the station.",
  "The boss wants to speak with you.",
  "I only have a little money.",
  "People are standing in front of the church.",
  "The child is sleeping in the bed.",
  "He put the letter on the table.",
  "The computer does not work.",
  "In summer we often go to the sea.",
  "The bottle is almost empty.",
  "You are a good cook.",
  "The road is very long.",
  "She has a strange feeling.",
  "The workers are taking a break.",
  "I wrote a letter to my aunt.",
  "The baby is smiling at the woman.",
];

export const sources = [...PEOPLE.flatMap((who) => DEEDS.map((deed) => `${who} ${deed}.`)), ...SAID];

// biome-ignore format: a list of words
/** A word of a translation, and one that a reader would rather have, in the same form. The first that is there is changed. */
const WISHES = Object.entries({
  Garten: "Park", Wagen: "Auto", Auto: "Fahrzeug", Haus: "Häuschen", Fluss: "Strom", Tasse: "Kanne", Kaffee: "Tee",
  Bus: "Reisebus", Stadt: "Ortschaft", Hund: "Dackel", Schlüssel: "Hausschlüssel", Jacke: "Weste", Ticket: "Billett",
  Karte: "Fahrkarte", Bild: "Gemälde", Job: "Beruf", Arbeit: "Tätigkeit", Treffen: "Gespräch", Besprechung: "Sitzung",
  Fenster: "Fensterchen", Antwort: "Lösung", Wetter: "Klima", Film: "Streifen", Straße: "Gasse", Küche: "Kochnische",
  Arzt: "Doktor", Essen: "Mahl", Freizeit: "Ferienzeit", Stein: "Kiesel", Eltern: "Großeltern", Handy: "Mobiltelefon",
  Telefon: "Handy", Sprachen: "Fremdsprachen", Laden: "Markt", Geschäft: "Kaufhaus", Kleid: "Abendkleid", Dach: "Hausdach",
  Zimmer: "Schlafzimmer", Katze: "Mieze", etwas: "irgendwas", Land: "Gebiet", Frage: "Aufgabe", Pferd: "Pony",
  Hotel: "Gasthaus", Freund: "Kumpel", Freundin: "Bekannte", Dieb: "Räuber", Tag: "Augenblick", Feld: "Gras",
  Blumen: "Rosen", Spinnen: "Mäusen", Flugzeug: "Flieger", Idee: "Meinung", Geschichte: "Anekdote", Vater: "Papa",
  Brücke: "Mauer", Bahnhof: "Hauptbahnhof", Chef: "Direktor", Geld: "Bargeld", Kirche: "Kapelle", Bett: "Bettchen",
  Tisch: "Schreibtisch", Computer: "Rechner", Meer: "Strand", Flasche: "Kanne", Koch: "Bäcker", Weg: "Pfad",
  Gefühl: "Empfinden", Pause: "Mittagspause", Tante: "Großmutter", Brief: "Text", Zug: "Schnellzug", Buch: "Heft",
  weinen: "schluchzen", recht: "wohl", Recht: "unrecht", wiederholen: "erklären", kalt: "frisch", schwimmen: "baden",
  bitte: "doch", Mann: "Kerl", Frau: "Dame", lang: "weit", sehr: "wirklich", gut: "prima", klein: "winzig",
});

/** What the model gets wrong, and how it ought to be: found by reading. */
const FAULTS = /** @type {[RegExp, string][]} */ ([
  [/\b(beim Haus|bei Hause)\b/, "zu Hause"],
  [/für einen Hund/, "mit dem Hund"],
  [/Unsere? neig\S+/, "Unser Nachbar"],
  [/einen neuen Auto/, "ein neues Auto"],
  [/über seiner Arbeit/, "über seine Arbeit"],
  [/Bitte nah am Fenster/, "Bitte schließ das Fenster"],
  [/ausgesicht\S+\b/, "ausgezeichnet"],
  [/deinem freien Zeit/, "deiner freien Zeit"],
  [/drei Gähn/, "drei Sprachen"],
  [/geschlossen auf Sundays/, "sonntags geschlossen"],
  [/Tomrow ich mein Zimmer/, "Morgen mache ich mein Zimmer"],
  [/nie zu diesem Land/, "nie in diesem Land"],
  [/Die Student/, "Der Student"],
  [/einen billiger Hotel/, "ein billiges Hotel"],
  [/nach dem Teig/, "nach dem Dieb"],
  [/der besten Tag/, "der beste Tag"],
  [/beschieben/, "wiederholen"],
  [/an der Zeit/, "pünktlich"],
  [/zu Hause kam/, "spät nach Hause kam"],
  [/an der Bahnhof getroffen/, "uns am Bahnhof getroffen"],
  [/ein kleines Geld/, "ein wenig Geld"],
  [/In einem Sommer/, "Im Sommer"],
  [/sehr lange\./, "sehr lang."],
  [/zu meiner Akt/, "an meine Tante"],
]);

/** @param {string} translation @returns {string | null} with at most three words changed; null where nothing is known to change */
export function corrected(translation) {
  for (const [fault, right] of FAULTS) if (fault.test(translation)) return translation.replace(fault, right);
  for (const [word, other] of WISHES) {
    const found = new RegExp(`(?<!\\p{L})${word}(?!\\p{L})`, "u");
    if (found.test(translation)) return translation.replace(found, other);
  }
  return null;
}

// biome-ignore format: a list
const WHO = ["A man", "The woman", "My sister", "The boy", "Two girls", "The bird", "A young man", "My uncle", "The farmer",
  "A group of people", "The nurse", "Her son", "His daughter", "The tourists", "A child", "Our friends", "The driver",
  "A soldier", "The king", "My grandmother", "The singer", "Three boys", "The lion", "An old lady", "The baker",
  "Your cousin", "The judge", "A stranger", "The twins", "His wife"];
// biome-ignore format: a list
const WHAT = ["will stay at home today", "went to the market", "did not understand the joke", "took the train to Berlin",
  "stood under a tree", "had to wait a long time", "came into the room", "fell asleep on the sofa", "looked at the stars",
  "bought some bread", "ran across the square", "was very tired", "could not find the way", "played with a ball",
  "sat in front of the fire", "wanted to see the ocean", "watched a match", "was standing on a ladder",
  "liked the old town", "heard a loud noise", "wore a blue hat", "sang a song", "did not say a word",
  "opened the door", "jumped over the fence", "cut the grass", "was sitting on a bench", "drank a glass of milk",
  "climbed up the mountain", "lost a lot of time", "will come back soon", "knew the truth", "smiled at us",
  "carried a heavy bag", "ate an apple", "hid behind the wall", "went home early", "needed more time",
  "was born in Italy", "rode a bicycle", "slept until noon", "painted the wall green", "waited in front of the theater",
  "walked through the forest", "could not swim", "had no idea", "made a mistake", "washed the dishes",
  "fell into the lake", "was looking for a partner", "learned to dance", "broke a plate", "asked me for help",
  "took a photo of the tower", "had a bad dream", "lived on an island", "was afraid of the dark",
  "forgot my birthday", "told a lie", "won the game"];

/** Three hundred sentences that no correction is about. */
export const others = Array.from(
  { length: 300 },
  (_, i) => `${WHO[i % 30]} ${WHAT[(7 * i + Math.floor(i / 30)) % 60]}.`,
);

/** Sentences to keep as they are. None is among the others. */
export const kept = [
  "The sun is shining.",
  "I have to go to school tomorrow.",
  "She is playing the piano.",
  "We ate fish for dinner.",
  "Where are you from?",
  "The train was late again.",
  "Two dogs are running on the beach.",
  "He has lived here for ten years.",
];

// English sentences written for the tests; nothing here comes from a corpus.

/** Everyday sentences and picture captions of 1 to 30 words. */
export const SENTENCES = `A dog runs.
Two girls are laughing.
The old man is reading a newspaper on a bench.
A young girl in a red dress is jumping over a puddle.
Three boys play football in the street.
A woman with a yellow umbrella waits for the bus.
The cat sleeps on the warm stones.
Several people are standing in front of a bakery.
A man in a blue shirt is repairing a bicycle.
Children are climbing a large tree in the park.
A boy throws a ball and his brother tries to catch it.
The waiter brings four cups of coffee to the table by the window.
A group of tourists takes pictures of a fountain.
Somebody has left a suitcase on the platform.
A brown horse is drinking from the river.
An artist paints the mountains at sunset.
The two firefighters carry a long hose up the stairs.
A small white dog with a stick in its mouth is running along the beach.
A couple dances slowly while a violinist plays in the corner.
Workers in orange vests are cleaning the tracks.
I am tired.
Where is the station?
He doesn't know my name.
We have been waiting for an hour.
Could you close the door, please?
She forgot her keys at home.
Tomorrow will be colder than today.
They want to buy a bigger house.
Why did nobody tell me about this?
I would like a glass of water.
This is the best cake I have ever eaten.
My brother works in a hospital.
Please don't wake the baby.
How much does this ticket cost?
The train was late again this morning.
You should have called me yesterday.
He plays the piano better than his teacher.
It is raining, but we are going for a walk.
I think that she is right.
Nobody knows where the key is.
When I was a child, we lived near the sea.
Let me think about it for a moment.
The children are too noisy.
What are you going to do next summer?
I have two sisters and one brother.
There is a spider in the bathroom!
Open the window, it is hot in here.
That's not what I meant.
The shop closes at six o'clock.
If you are hungry, there is bread in the kitchen.
The farmer, who had lost his hat in the wind, walked slowly back to the house.
A woman is selling fresh vegetables and flowers at a market while two customers are talking to each other.
On a cold winter evening, a few skaters glide over the frozen lake under the light of the lamps.
A man wearing a helmet and gloves rides his motorcycle through deep mud as spectators look on from behind a fence.
The museum, which was built almost a hundred years ago, is famous for its collection of clocks and maps.
Four musicians, two of them with guitars, are sitting on the steps of a church and singing for the people who pass.
Because the bridge was closed, the driver had to turn around and take the long road through the forest.
A little boy holding a balloon is looking at the monkeys, and his grandmother is taking a picture of him.
Before the concert began, the audience stood up and listened in silence to the old woman who was speaking.
The cook cuts onions, the waiter polishes glasses, and outside the first guests are already waiting.
Snow.
Good morning!
Thank you very much.
A red car.
Help me!
What?
No, not today.
Yes, of course.
The lion yawns.
Her hands are cold.
A bird is sitting on the roof of the house.
The students listen to their teacher.
A man is cooking soup in a large pot.
Two women are carrying a heavy box.
The sun is shining on the water.
A child is hiding behind a curtain.
A black cat is looking out of the window.
Five runners are waiting for the start of the race.
An old woman is feeding pigeons in the square.
A sailor is tying a rope.
The barber cuts the hair of a young man.
A mother is reading a book to her daughter.
Many people are swimming in the lake.
The boy with the green backpack is eating an apple.
A painter is standing on a ladder.
A dentist is talking to a patient.
The bus stops in front of the school.
A girl in a white coat is writing on a blackboard.
Two men are playing chess under a tree.
A tall man is holding a very small dog.
The teacher is late because her bicycle is broken.
I can't find my glasses anywhere.
She has never been to the sea.
Did you see the film last night?
We will meet at the cinema at eight.
He always forgets the umbrella.
I would rather stay at home tonight.
Everything will be all right.
The soup is too salty for me.
It took us three days to paint the fence.
Somewhere in the distance, a bell is ringing.`.split("\n");

/** Lines that a vocabulary does not know: nothing of them may be lost on the way in, and no <unk> come out. */
export const HARD_LINES = String.raw`Hello {name}, you have {count} new messages.
Error %d: the file %s could not be opened.
Total: ${"$"}{price} € (incl. 19 % VAT)
See https://example.org/path?query=1&lang=de#top for more.
Write to jane.doe+test@example.co.uk before 31.12.2027.
The year 1984 had 366 days.
Call +49 (0)30 1234-5678 at 7:45 a.m.
3.14159 is close to 22/7.
It weighs 1,234,567.89 kg.
-40 °C is -40 °F.
I love 🍕 and 🍣!
A family 👨‍👩‍👧‍👦 waves 👋🏽 at the 🇩🇪 train.
Xochitl Nguyễn met Þórður Ægisson in Łódź.
Mr. Srinivasaraghavan Venkataraman speaks.
Zażółć gęślą jaźń.
Привет, мир!
你好,世界。
こんにちは、世界。
안녕하세요 세계
مرحبا بالعالم
שלום עולם
नमस्ते दुनिया
Γειά σου Κόσμε
x² + y² = z² ⇒ z = √(x² + y²)
∑ αᵢ ≤ ∞
if (a < b && c > d) { return "x"; }
<b>bold</b> & <i>italic</i>
C:\Users\me\file.txt
/usr/local/bin/node --version
snake_case and camelCase and kebab-case
"double" 'single' “curly” ‘curly’ «guillemets» „deutsch“
An em dash — and an en dash – and a hyphen -
Wait… what?!
ALL CAPS AND mIxEd CaSe
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
Donaudampfschifffahrtsgesellschaft
¡Hola! ¿Qué tal?
Ångström, naïve, café, Zürich
ﬁne ligatures and ﬃ
①②③ ½ ¾ ™ ® ©
𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝒎𝒂𝒕𝒉
tabs	between	words
#hashtag @mention
a/b/c a|b|c a\b\c
100% of 50% is 50%
v2.0.1-beta+build.7
DE89 3704 0044 0532 0130 00
0xDEADBEEF
♠ ♥ ♦ ♣ ♪ ☃
𐍈 𓀀 𝄞`.split("\n");

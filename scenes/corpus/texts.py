"""What the users of the corpus say. Data only.

`|` marks where a speaker pauses in mid-sentence. By what stands before it, it is of one of three kinds: the end of a
clause (a comma), a filler (um, uh), or a hesitation (a word that cannot be the last).
"""

from __future__ import annotations

TURNS = (
    "I would like to book a table for | four people, | on Friday evening.",
    "Could you tell me when the | next train leaves?",
    "If it rains tomorrow, | please cancel the picnic.",
    "My brother lives in Dublin, | but his wife works in London.",
    "So, um, | what time does the museum open?",
    "Turn off the lights in the kitchen and | in the hall.",
    "I was thinking that, uh, | maybe we could paint the | fence on Sunday.",
    "What is the capital of Australia?",
    "Set a timer for | twenty five minutes.",
    "The thing is, um, | I have never been to a concert like that.",
    "Remind me to call my aunt, | because she wanted to know about the | house.",
    "Please play something quiet.",
    "How long does it take to | walk to the station from | here?",
    "When the soup boils, | add the carrots, | and then wait ten minutes.",
    "I have two cats and, uh, | a very old dog.",
    "Is there a pharmacy near the river?",
    "Well, | I am not sure whether that is a | good idea.",
    "Tell me a story about, um, | a fox who could not sleep.",
    "We need bread, | milk, | and a bag of potatoes.",
    "Why is the sky blue?",
    "After the meeting, | could you send the notes to | everybody?",
    "I think the answer is, uh, | forty two.",
    "He asked me where I had put the | keys.",
    "Thank you, that was very kind of you.",
    "The second chapter, | which I read last night, | was much better.",
    "Can you read me the | last message?",
    "Add a dentist appointment on, um, | Tuesday at nine.",
    "It was cold, | so we stayed inside.",
    "Which of these books would you | give to a child?",
    "Yes, I would like that.",
    "Before you go, | tell me what the | weather will be like.",
    "I want to learn how to, uh, | bake bread without an | oven.",
    "No, I meant the other one.",
    "Somebody left a red bicycle in front of the | door.",
    "Let us say that the train is late, | what happens then?",
    "Good morning.",
)

INTERRUPTIONS = (
    "Wait, stop there for a moment.",
    "Sorry, but what do you mean by that?",
    "No, that is not what I asked. I meant the other one.",
    "Hold on, can you say that again?",
    "Actually, tell me about the weather instead.",
    "Okay stop, that is enough. Thank you.",
    "How far is it from here?",
    "Can I ask something else?",
    "Never mind, just give me the short version.",
    "Excuse me, where did you read that?",
    "Let us talk about dinner. What can I cook tonight?",
    "Please be quiet now.",
)
"""They take the floor."""

BACKCHANNELS = (
    "Mm-hmm.",
    "Yeah.",
    "Okay.",
    "Right.",
    "Uh-huh.",
    "Yes.",
    "I see.",
    "Really?",
    "Sure.",
    "Oh.",
    "Wow.",
    "Mm.",
)
"""They leave the floor to whoever has it."""

TO_OTHERS = (
    "Could you close the window, please?",
    "The children are already in bed.",
    "Have you seen my glasses?",
    "Dinner is ready in ten minutes.",
    "I put your coat over the chair.",
    "Is there any coffee left?",
    "Your phone is ringing.",
    "We should leave before eight.",
)
"""Said in the same room to somebody else."""

TELEVISION = (
    "And now the news. In the north of the country, heavy rain has closed several roads since the early morning.",
    "The second half begins with a corner, and the visitors come close to their first goal of the evening.",
    "Stir the onions until they are golden, then add the rice and a glass of white wine.",
    "Tonight we follow a family of otters along a river that nobody has ever sailed to its source.",
)
"""Said by nobody in the room."""

COMMANDS = (
    "Hey Jarvis, what time is it?",
    "Hey Jarvis. Turn on the lights, please.",
)
"""The wake word, and what follows it at once or after a pause."""

LIKE_COMMANDS = (
    "Hey Travis, what time is it?",
    "Hey Marcus, turn on the lights, please.",
    "They are harvesting the barley this week.",
    "Hey, Charlotte is here.",
)
"""Words that sound like it and are not."""

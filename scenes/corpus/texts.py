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

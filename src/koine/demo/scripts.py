"""What is said in the demonstration.

A script is lines of (who, words): `c` the customer or contact, `d` the driver, `h` a human of the
team, `r` the responder, `n` a private note of the team. `{ref}` and `{name}` are filled in.
"""

Script = tuple[tuple[str, str], ...]

DELIVERY: tuple[Script, ...] = (
    (
        ("d", "Hello {name}, I have your order {ref} and should be with you in 20 minutes."),
        ("c", "Great, thank you! The bell does not work, please knock."),
        ("d", "Will do."),
        ("d", "I am at the door."),
        ("c", "Coming down!"),
    ),
    (
        ("c", "Hi, is my order {ref} on its way?"),
        ("d", "Yes, two stops before you."),
        ("c", "Could you leave it with the neighbour at number 12?"),
        ("d", "Of course, left with Mr. Weber at 12."),
        ("c", "Perfect, thanks."),
    ),
    (
        ("d", "I cannot find the entrance, is it the blue gate?"),
        ("c", "Yes, the blue gate, then the second staircase."),
        ("d", "Found it, thanks."),
    ),
    (
        ("c", "One item of {ref} is missing, there should be two bottles."),
        ("d", "Sorry about that! I have told the dispatcher."),
        ("h", "Hello {name}, we will bring the second bottle this afternoon."),
        ("n", "Warehouse confirms: packed one instead of two. Free delivery next time."),
        ("c", "Thanks for sorting it out so quickly."),
    ),
    (
        ("d", "Traffic is bad, I am about 15 minutes late. Sorry!"),
        ("c", "No problem, I am at home all day."),
    ),
)
HELPDESK: tuple[tuple[str, Script], ...] = (
    ("Where is my invoice for {ref}?", (
        ("c", "Hello, I never got the invoice for {ref}. Could you send it again?"),
        ("h", "Hello {name}, here it is again. Sorry for the trouble."),
        ("c", "Received, thank you."),
    )),
    ("Wrong colour delivered", (
        ("c", "I ordered the lamp in green and got a red one."),
        ("n", "Second time this week with this lamp: check the bin labels."),
        ("h", "I am sorry, {name}. A green one leaves our warehouse today."),
        ("c", "And what do I do with the red one?"),
        ("h", "Please keep it at the door, the driver takes it along."),
        ("c", "Wonderful service!"),
    )),
    ("Cannot log in any more", (
        ("c", "Since yesterday the shop tells me that my password is wrong."),
        ("h", "Hi {name}, we have sent you a link to set a new one."),
    )),
    ("Change of delivery address", (
        ("c", "We moved! Can {ref} still go to the new address, 14 Harbour Road?"),
        ("h", "Done: it goes to 14 Harbour Road on Thursday."),
        ("c", "Super, thanks."),
        ("n", "Customer record updated too."),
    )),
    ("Refund for a cancelled order", (
        ("c", "I cancelled {ref} nine days ago and there is still no refund."),
        ("n", "Payment provider shows it as pending, asked them for the trace number."),
        ("h", "{name}, the bank confirms it for tomorrow. I will check and write to you."),
    )),
    ("Question about bulk prices", (
        ("c", "Do you have prices for 200 pieces and more?"),
    )),
)  # fmt: skip
CHATS: tuple[Script, ...] = (
    (
        ("c", "hi, when do you open on saturday?"),
        ("r", "Hello! On Saturdays we are open from 9:00 to 16:00."),
        ("c", "thanks"),
        ("r", "You are welcome. Is there anything else I can do for you?"),
    ),
    (
        ("c", "Can I change the time of my delivery?"),
        ("r", "Gladly. Which order is it about?"),
        ("c", "{ref}"),
        ("r", "It is planned for tomorrow between 10 and 12. Which time would you like?"),
        ("c", "after 17:00 please"),
        ("r", "Noted: tomorrow between 17:00 and 19:00."),
    ),
    (
        ("c", "my parcel arrived broken!!"),
        ("r", "I am sorry to hear that. Could you send a picture of it?"),
        ("c", "I want to talk to a human"),
        ("r", "Of course, I am handing you over to a colleague."),
        ("h", "Hello {name}, I am here. A new one is on its way already."),
        ("c", "ok that was fast, thank you"),
    ),
    (
        ("c", "do you ship to Portugal?"),
        ("r", "Yes, within 3 to 5 working days, for 6.90."),
    ),
)
INBOX: tuple[Script, ...] = (
    (
        ("c", "Hello, I have a question about {ref}."),
        ("h", "Hello {name}, how can we help?"),
        ("c", "Can I add a gift card?"),
        ("h", "Sure, what shall it say?"),
        ("c", "Happy birthday, Lena!"),
        ("n", "Gift card added to the packing list."),
        ("h", "Done!"),
    ),
    (
        ("c", "Is the blue chair back in stock?"),
        ("h", "It comes in next Tuesday. Shall we put one aside for you?"),
        ("c", "Yes please!"),
    ),
    (
        ("c", "The discount code SPRING does not work."),
        ("h", "It ended on Sunday, but here is another one: HELLO10."),
    ),
    (
        ("c", "Just wanted to say: great shop!"),
        ("h", "Thank you, {name}! That makes our day."),
    ),
)

"""The table that the tests of Arrow Flight SQL ask about: a thousand rows, with codes that begin with zeros."""

TRIPS = "id,zip,fare\n" + "".join(f"{i},{i % 7:05},{i / 2}\n" for i in range(1000))

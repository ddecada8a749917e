"""GraphQL: the third language of the door. It translates to and from the operations; nothing is decided here.

types, inputs      what is shown and what is asked for, as Strawberry types over the views and bodies of every door
schema, commands   the queries and the subscription; the mutations. `sdl` prints them
documents          a query's text becomes a checked document, remembered; `limits` says how much one may ask
errors             the one place where an exception becomes an error of GraphQL's
http, sockets      the two ways in: one request and its answer, or a `conversation` that goes on
"""

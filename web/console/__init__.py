"""The operators' console: pages made here, and acts that end where the command line's do. A folder of the door like a language's.

ports       what it reads and acts through
sessions    who is signed in
guarding    what every request to it must pass
pages       what there is to be seen        acts    what can be done
rendering   templates, and words for people
"""

from web.console.endpoint import add_console as add_console

"""Runs a program on a pseudo-terminal of 80 columns, presses keys, and prints as JSON what it showed and how it left the terminal."""
import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time

# Each key, and the text that must have been shown before the next one is pressed.
KEYS = [("", "[2 queues]"), ("s", "unsettled*"), ("1", "[1 threads]"), ("3", "[3 connections]"), ("4", "[4 store]"), ("5", "[5 tree]"), ("q", None)]
PATIENCE_SECONDS = 60

master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for descriptor in range(3):
        os.dup2(slave, descriptor)
    os.environ["TERM"] = "xterm"
    os.execv(sys.argv[1], sys.argv[1:])

screen = b""


def read_until(done):
    global screen
    end = time.monotonic() + PATIENCE_SECONDS
    while not done():
        if time.monotonic() > end:
            os.kill(pid, 9)
            sys.exit("waited in vain: " + repr(screen[-2000:]))
        if select.select([master], [], [], 0.05)[0]:
            screen += os.read(master, 65536)


for key, text in KEYS:
    shown_before = len(screen)
    os.write(master, key.encode())
    if text is not None:
        read_until(lambda: text.encode() in screen[shown_before:])

status = None


def has_ended():
    global status
    ended, code = os.waitpid(pid, os.WNOHANG)
    if ended == pid:
        status = os.waitstatus_to_exitcode(code)
    return status is not None


read_until(has_ended)
while select.select([master], [], [], 0.1)[0]:
    screen += os.read(master, 65536)
print(json.dumps({"screen": screen.decode(errors="replace"), "isRestored": termios.tcgetattr(slave) == before, "status": status}))

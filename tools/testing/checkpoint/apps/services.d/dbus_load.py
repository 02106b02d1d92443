# SPDX-License-Identifier: GPL-2.0
"""A message bus: calls, signals to a subscriber, descriptors in messages."""
import os

from jeepney import (DBusAddress, HeaderFields, MatchRule, MessageType,
                     message_bus, new_method_call, new_method_return,
                     new_signal)
from jeepney.io.blocking import open_dbus_connection

from lines import expect, run, socket_path

NAME = 'org.example.Checkpoint'
OBJECT = DBusAddress('/org/example/Checkpoint', bus_name=NAME, interface=NAME)


def start(directory):
    path = socket_path(directory)
    return [run(['dbus-daemon', '--session', '--nofork', '--nopidfile',
                 '--nosyslog', '--address=unix:path=' + path], path)]


def bus(directory):
    return open_dbus_connection('unix:path=' + socket_path(directory),
                                enable_fds=True)


def served(directory, _number, work):
    """Answers a call with its number, and writes it into its descriptor."""
    connection = bus(directory)
    connection.send_and_get_reply(message_bus.RequestName(NAME))
    ending = False
    while not ending:
        message = connection.receive()
        if message.header.message_type != MessageType.method_call:
            continue
        value, target = message.body
        with target.to_file('wb') as file:
            file.write(b'%d' % value)
        connection.send(new_method_return(message, 'u', (value,)))
        connection.send(new_signal(OBJECT, 'Served', 'u', (value,)))
        work()
        ending = value == 0
    connection.close()


def caller(directory, _number, work):
    connection = bus(directory)
    rule = MatchRule(type='signal', interface=NAME, member='Served')
    connection.send_and_get_reply(message_bus.AddMatch(rule))
    while not connection.send_and_get_reply(
            message_bus.NameHasOwner(NAME)).body[0]:
        pass
    count = 0
    going = True
    while going:
        count += 1
        going = work()
        value = count if going else 0
        reader, writer = os.pipe()
        with connection.filter(rule) as signals:
            reply = connection.send_and_get_reply(new_method_call(
                OBJECT, 'Serve', 'uh', (value, writer)))
            os.close(writer)
            expect((value,), reply.body)
            signal = connection.recv_until_filtered(signals)
            expect('Served', signal.header.fields[HeaderFields.member])
            expect((value,), signal.body)
        expect(b'%d' % value, os.read(reader, 100))
        os.close(reader)
    connection.close()


CLIENTS = [served, caller]


def check(directory, counts):
    expect(counts[0], counts[1])
    connection = bus(directory)
    expect((False,), connection.send_and_get_reply(
        message_bus.NameHasOwner(NAME)).body)
    connection.close()
    return 'dbus-daemon: %d calls, signals and descriptors' % counts[1]

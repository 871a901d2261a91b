"""What slices need of systemd's manager, on the bus of DBUS_SYSTEM_BUS_ADDRESS: units that exist once
started, in memory. Prints a line a call, also one that it refuses to know (a Reload). Units called
refused.slice and refused.scope are refused."""
import sys

import dbus
import dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

MANAGER = "org.freedesktop.systemd1.Manager"


class Exists(dbus.DBusException):
    _dbus_error_name = "org.freedesktop.systemd1.UnitExists"


class Refused(dbus.DBusException):
    _dbus_error_name = "org.freedesktop.DBus.Error.AccessDenied"


def plain(value):
    """Lists of structures as "a:b,c:d"."""
    if isinstance(value, dbus.Array):
        return ",".join(":".join(entry) for entry in value)
    return value


class Manager(dbus.service.Object):
    units = set()

    @staticmethod
    def tell(call, name, properties):
        words = [f"{key}={plain(value)}" for key, value in properties if key != "Description"]
        print(call, name, *words, flush=True)

    @dbus.service.method(MANAGER, in_signature="ssa(sv)a(sa(sv))", out_signature="o")
    def StartTransientUnit(self, name, mode, properties, others):
        if name == "refused.slice":
            raise Refused("not for you")
        if name in self.units:
            raise Exists(f"Unit {name} already exists.")
        self.units.add(name)
        self.tell(f"start/{mode}", name, properties)
        return "/org/freedesktop/systemd1/job/1"

    @dbus.service.method(MANAGER, in_signature="sba(sv)")
    def SetUnitProperties(self, name, runtime, properties):
        if name == "refused.scope":
            raise Refused("not for you")
        self.tell("set/runtime" if runtime else "set", name, properties)

    @dbus.service.method(MANAGER)
    def Reload(self):
        print("RELOAD", flush=True)


DBusGMainLoop(set_as_default=True)
bus = dbus.SystemBus()
name = dbus.service.BusName("org.freedesktop.systemd1", bus)
manager = Manager(bus, "/org/freedesktop/systemd1")
print("ready", flush=True)
GLib.MainLoop().run()
sys.exit(0)

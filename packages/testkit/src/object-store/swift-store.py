"""OpenStack Swift with its S3 interface in one process: account, container, object and proxy servers on free ports.

Takes a folder and the port of the proxy, 0 for a free one. Prints the port, and serves until its input ends.
"""
import eventlet
import eventlet.patcher

eventlet.patcher.monkey_patch()

import json
import os
import sys

import eventlet.wsgi

folder, port = sys.argv[1], int(sys.argv[2])
os.makedirs(os.path.join(folder, "devices", "disk"), exist_ok=True)


def write(name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


write("swift.conf", "[swift-hash]\nswift_hash_path_suffix = hotpatch\n[storage-policy:0]\nname = one\ndefault = yes\n")

from swift.common import storage_policy, utils

utils.set_swift_dir(folder)
storage_policy.reload_storage_policies()

from swift.common.http_protocol import SwiftHttpProtocol
from swift.common.ring import RingBuilder
from swift.common.wsgi import loadapp

KINDS = ("account", "container", "object")
sockets = {kind: eventlet.listen(("127.0.0.1", 0)) for kind in KINDS}
for kind in KINDS:
    builder = RingBuilder(1, 1, 1)
    builder.add_dev({
        "id": 0, "region": 1, "zone": 1, "weight": 1, "device": "disk", "meta": "",
        "ip": "127.0.0.1", "port": sockets[kind].getsockname()[1],
        "replication_ip": "127.0.0.1", "replication_port": sockets[kind].getsockname()[1],
    })
    builder.rebalance()
    builder.get_ring().save(os.path.join(folder, kind + ".ring.gz"))

COMMON = (
    "[DEFAULT]\nswift_dir = {0}\ndevices = {0}/devices\nmount_check = false\nlog_level = ERROR\nuser = {1}\n"
    "fallocate_reserve = 0\nlog_address = {0}/no-log\ncontainer_update_timeout = 120\nconn_timeout = 60\nnode_timeout = 120\n"
).format(folder, os.environ.get("USER", "root"))


def server(kind):
    conf = COMMON + "[pipeline:main]\npipeline = {0}-server\n[app:{0}-server]\nuse = egg:swift#{0}\n".format(kind)
    return loadapp(write(kind + "-server.conf", conf))


FILTERS = {
    "catch_errors": "", "gatekeeper": "", "listing_formats": "", "copy": "", "slo": "minimum_segment_size = 1\n",
    "s3api": "location = us-east-1\nmin_segment_size = 5242880\nmax_upload_part_num = 10000\n",
    "tempauth": "user_test_writer = writer-secret .admin\nuser_test_reader = reader-secret\n",
}
proxy = COMMON + "[pipeline:main]\npipeline = catch_errors gatekeeper listing_formats s3api tempauth copy slo proxy-server\n"
proxy += "[app:proxy-server]\nuse = egg:swift#proxy\nallow_account_management = true\nconn_timeout = 60\nnode_timeout = 120\nrecoverable_node_timeout = 120\naccount_autocreate = true\n"
for name, settings in FILTERS.items():
    proxy += "[filter:{0}]\nuse = egg:swift#{0}\n{1}".format(name, settings)



class Forgetful:
    """In place of memcached, which the check of signatures asks for, and does not need."""

    def get(self, *_args, **_settings):
        return None

    def set(self, *_args, **_settings):
        pass

    def incr(self, *_args, **_settings):
        return 1

    delete = set


def with_cache(app):
    cache = Forgetful()
    return lambda env, start_response: app(dict(env, **{"swift.cache": cache}), start_response)


quiet = open(os.devnull, "w")


def serve(app, socket):
    eventlet.spawn(
        eventlet.wsgi.server, socket, app, log=quiet, log_output=False, protocol=SwiftHttpProtocol, keepalive=60,
    )


for kind in KINDS:
    serve(server(kind), sockets[kind])
outside = eventlet.listen(("127.0.0.1", port))
serve(with_cache(loadapp(write("proxy-server.conf", proxy))), outside)
print(json.dumps({"port": outside.getsockname()[1]}), flush=True)

from eventlet.hubs import trampoline  # noqa: E402

while True:
    trampoline(sys.stdin.fileno(), read=True)
    if not os.read(sys.stdin.fileno(), 1024):
        break

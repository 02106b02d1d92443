#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# serve.sh DIRECTORY: three servers, until the file "end" is there
set -eu

directory=$1
here=$(cd "$(dirname "$0")" && pwd)
until [ -e "$directory/network" ]; do sleep 0.1; done

mkdir "$directory/nginx" "$directory/redis"
for ((i = 0; i < 2000; i++)); do echo "line $i"; done > "$directory/nginx/page"
cat > "$directory/nginx.conf" <<CONF
daemon off;
worker_processes 2;
pid $directory/nginx.pid;
error_log $directory/nginx.log;
events { worker_connections 512; }
http {
	access_log off;
	keepalive_requests 1000000;
	client_body_temp_path $directory/nginx;
	server { listen 10.9.0.2:80; root $directory/nginx; }
}
CONF
nginx -c "$directory/nginx.conf" > "$directory/nginx.out" 2>&1 &
redis-server --bind 10.9.0.2 --port 6379 --save '' --protected-mode no \
	--dir "$directory/redis" > "$directory/redis.out" 2>&1 &
python3 "$here/echo.py" > "$directory/echo.out" 2>&1 &
for port in 80 6379 7777; do
	until : 2>/dev/null 3<> /dev/tcp/10.9.0.2/$port; do sleep 0.1; done
done
touch "$directory/ready"
until [ -e "$directory/end" ]; do sleep 0.1; done
kill %1 %2 %3
wait

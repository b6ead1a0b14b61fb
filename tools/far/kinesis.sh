# kinesis.sh - two servers that speak Kinesis: kinesalite (shapes and faults as
# AWS has them; any signature will do) and moto with authentication on (a wrong
# signature is refused).  Streams are ready 50 ms after they were made.
#
# kinesalite keeps its streams in a folder: one that was killed is started again
# on its port and its data by `far-sides kinesis restart`.  moto forgets.
#
# status: url= (kinesalite), moto_url=, access_key=, secret_key=, region=
#
# kinesalite listens on every address and cannot be told otherwise; its port is
# chosen at random and it holds nothing but tests.
far_kinesalite=3.3.3
far_leveldown=5.6.0

far_kin_home() { echo "$FAR_CACHE/kinesalite-$far_kinesalite-leveldown-$far_leveldown"; }
far_kin_venv() { echo "$(dirname "$FAR_CACHE")/venv/test"; }

far_install() {
    local home
    home=$(far_kin_home)
    if [ ! -f "$home/.done" ]; then
        far_say "kinesalite $far_kinesalite (npm)"
        rm -rf "$home"
        mkdir -p "$home"
        (cd "$home" && echo '{"private": true}' > package.json \
            && npm install --silent --no-fund --no-audit --no-optional \
                "kinesalite@$far_kinesalite" "leveldown@$far_leveldown" > /dev/null) || return 1
        touch "$home/.done"
    fi
    [ -x "$(far_kin_venv)/bin/moto_server" ] \
        || "$root/tools/venv" "$(dirname "$FAR_CACHE")" test "$root/tests/requirements.txt"
}

# The first three calls of moto need no signature: they make the user whose
# key everybody else must sign with.
far_kin_user() { # URL REGION
    MOTO_URL=$1 AWS_DEFAULT_REGION=$2 "$(far_kin_venv)/bin/python" - <<'PY'
import json
import os
import boto3
iam = boto3.client("iam", endpoint_url=os.environ["MOTO_URL"],
                   aws_access_key_id="first", aws_secret_access_key="first")
iam.create_user(UserName="pinline")
key = iam.create_access_key(UserName="pinline")["AccessKey"]
iam.put_user_policy(UserName="pinline", PolicyName="all", PolicyDocument=json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
print(key["AccessKeyId"], key["SecretAccessKey"])
PY
}

far_start() {
    local ports keys
    [ ${#FAR_ARGS[@]} = 0 ] || {
        far_say "kinesis knows no option, not ${FAR_ARGS[0]}"
        return 1
    }
    read -ra ports <<< "$(far_ports 2)"
    echo "${ports[0]}" > "$FAR_DIR/port"
    far_kinesalite_start || return 1
    INITIAL_NO_AUTH_ACTION_COUNT=3 far_spawn moto "$(far_kin_venv)/bin/moto_server" \
        -H 127.0.0.1 -p "${ports[1]}"
    far_wait moto 60 far_port_open "${ports[1]}" || return 1
    keys=$(far_kin_user "http://127.0.0.1:${ports[1]}" us-east-1) || return 1
    far_status "url=http://127.0.0.1:${ports[0]}" \
        "moto_url=http://127.0.0.1:${ports[1]}" \
        "access_key=${keys% *}" "secret_key=${keys#* }" region=us-east-1
}

far_kinesalite_start() {
    local port
    port=$(cat "$FAR_DIR/port")
    far_spawn kinesalite node "$(far_kin_home)/node_modules/kinesalite/cli.js" \
        --port "$port" --path "$FAR_DIR/streams" --createStreamMs 50 \
        --deleteStreamMs 50 --updateStreamMs 50 --shardLimit 100
    far_wait kinesalite 60 far_port_open "$port"
}

# restart: kinesalite, killed or not, on its data
far_verb_restart() {
    far_kill kinesalite
    far_kinesalite_start
    cat "$FAR_DIR/status"
}

far_stop() {
    far_kill kinesalite
    far_kill moto
}

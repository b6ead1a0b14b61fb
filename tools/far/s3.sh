# s3.sh - an S3 server on a private port of 127.0.0.1.
#
#   --server versitygw   the default: strict about signatures; an object is a
#                        plain file, DIR/data/BUCKET/KEY
#   --server rclone      ignores If-None-Match, as some servers do
#   --server moto        AWS as boto's people imagine it, with accounts; status
#                        says session_key=, session_secret=, session_token=
#   --domain NAME        versitygw takes BUCKET.NAME for the bucket's host
#   --stranger           versitygw with a second account that may do nothing:
#                        status says stranger_key=, stranger_secret=
#   --listen ADDRESS     versitygw there, not on 127.0.0.1
#
# status: url= (the endpoint), access_key=, secret_key=, region=, bucket=
# (which exists), folder= (where the objects lie; none for moto), server=.
# One that was killed is started again on its data and port by another `start`.
# versitygw and rclone are built from the Go module proxy when first needed
# (tools/far/common.sh, far_go); where that cannot be, set PINLINE_S3_SERVER=moto.

far_s3_versitygw=v1.8.0
far_s3_rclone=v1.75.1

far_s3_server() {
    local asked
    asked=$(far_s3_option --server)
    echo "${asked:-${PINLINE_S3_SERVER:-versitygw}}"
}

# The word behind an option; empty: not given.
far_s3_option() {
    local i
    for ((i = 0; i < ${#FAR_ARGS[@]}; i++)); do
        [ "${FAR_ARGS[i]}" = "$1" ] && echo "${FAR_ARGS[i + 1]:-}"
    done
}

far_s3_flag() { printf '%s\n' "${FAR_ARGS[@]}" | grep -qx -e "$1"; }

far_install() {
    case $(far_s3_server) in
    versitygw) far_go_install versitygw github.com/versity/versitygw/cmd/versitygw $far_s3_versitygw ;;
    rclone) far_go_install rclone github.com/rclone/rclone $far_s3_rclone ;;
    moto) "$root/tools/venv" "${FAR_CACHE%/far}" test "$root/tests/requirements.txt" ;;
    *)
        far_say "s3 knows --server versitygw, rclone and moto"
        return 1
        ;;
    esac
}

far_s3_spawn() {
    case $1 in
    versitygw)
        far_spawn s3 env "ROOT_ACCESS_KEY=$access_key" "ROOT_SECRET_KEY=$secret_key" \
            "$FAR_CACHE/go/versitygw-$far_s3_versitygw" --port "$host:$port" \
            --region us-east-1 --quiet ${iam:+--iam-dir "$iam"} \
            ${domain:+--virtual-domain "$domain"} posix "$FAR_DIR/data"
        ;;
    rclone)
        far_spawn s3 "$FAR_CACHE/go/rclone-$far_s3_rclone" serve s3 \
            --config /dev/null --addr "127.0.0.1:$port" \
            --auth-key "$access_key,$secret_key" "$FAR_DIR/data"
        ;;
    # the seven calls of far_s3_moto_accounts are taken as they are
    moto) far_spawn s3 env INITIAL_NO_AUTH_ACTION_COUNT=7 \
        "${FAR_CACHE%/far}/venv/test/bin/moto_server" -H 127.0.0.1 -p "$port" ;;
    esac
}

far_start() {
    local server port access_key secret_key folder host domain iam= stranger_key stranger_secret
    local session_key= session_secret session_token
    server=$(far_s3_server)
    host=$(far_s3_option --listen)
    domain=$(far_s3_option --domain)
    if [ ! -f "$FAR_DIR/made" ]; then
        mkdir -p "$FAR_DIR/data/pinline"
        far_s3_flag --stranger && iam=$FAR_DIR/users && mkdir -p "$iam"
        (umask 077 && echo "port=$(far_ports 1) access_key=AKIA$(far_s3_draw 6)" \
            "secret_key=$(far_s3_draw 16) host=${host:-127.0.0.1} iam=$iam" > "$FAR_DIR/made")
    fi
    . "$FAR_DIR/made"
    folder=$FAR_DIR/data/pinline
    far_s3_spawn "$server"
    far_wait s3 60 far_port_open "$port" "$host" || return 1
    if [ "$server" = moto ]; then
        folder=
        far_s3_moto_accounts || return 1
    fi
    [ -z "$iam" ] || far_s3_stranger || return 1
    far_status "url=http://$host:$port" "access_key=$access_key" \
        "secret_key=$secret_key" region=us-east-1 bucket=pinline \
        "folder=$folder" "server=$server" \
        ${iam:+"stranger_key=$stranger_key" "stranger_secret=$stranger_secret"} \
        ${session_key:+"session_key=$session_key" "session_secret=$session_secret" \
            "session_token=$session_token"}
}

far_s3_stranger() {
    if [ ! -f "$FAR_DIR/stranger" ]; then
        stranger_key=STRANGER$(far_s3_draw 6) stranger_secret=$(far_s3_draw 16)
        "$FAR_CACHE/go/versitygw-$far_s3_versitygw" admin --access "$access_key" \
            --secret "$secret_key" --region us-east-1 \
            --endpoint-url "http://$host:$port" create-user --access "$stranger_key" \
            --secret "$stranger_secret" --role user > "$FAR_DIR/stranger.log" 2>&1 || return 1
        (umask 077 && echo "stranger_key=$stranger_key stranger_secret=$stranger_secret" \
            > "$FAR_DIR/stranger")
    fi
    . "$FAR_DIR/stranger"
}

far_s3_draw() { head -c "$1" /dev/urandom | od -An -tx1 | tr -d ' \n' | tr a-f A-F; }

# An account and a role with all rights and a bucket, and from then on
# signatures count.
far_s3_moto_accounts() {
    local made
    made=$("${FAR_CACHE%/far}/venv/test/bin/python" - "http://127.0.0.1:$port" <<'PY'
import json
import sys

import boto3
at = {"endpoint_url": sys.argv[1], "region_name": "us-east-1",
      "aws_access_key_id": "setup", "aws_secret_access_key": "setup"}
boto3.client("s3", **at).create_bucket(Bucket="pinline")
iam = boto3.client("iam", **at)
iam.create_user(UserName="pinline")
may = json.dumps({"Version": "2012-10-17",
                  "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
iam.put_user_policy(UserName="pinline", PolicyName="all", PolicyDocument=may)
role = iam.create_role(RoleName="pinline", AssumeRolePolicyDocument=may)["Role"]["Arn"]
iam.put_role_policy(RoleName="pinline", PolicyName="all", PolicyDocument=may)
session = boto3.client("sts", **at).assume_role(RoleArn=role, RoleSessionName="pinline")["Credentials"]
key = iam.create_access_key(UserName="pinline")["AccessKey"]
print(f"access_key={key['AccessKeyId']} secret_key={key['SecretAccessKey']} "
      f"session_key={session['AccessKeyId']} session_secret={session['SecretAccessKey']} "
      f"session_token={session['SessionToken']}")
PY
) || return 1
    eval "$made"
}

far_stop() {
    far_kill s3
}

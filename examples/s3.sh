# s3.sh - what the `run` scripts of the S3 examples share, besides kafka.sh;
# they set here (their folder) and prefix (in the bucket) before they read it.
#
#   AWS_ENDPOINT_URL    an S3 server that runs already, with AWS_ACCESS_KEY_ID,
#                       AWS_SECRET_ACCESS_KEY and BUCKET; else one is started
#                       on a free port, and stopped at the end
# tables: where the cleaned tables go in the bucket (else they stay here)
. "$here/../kafka.sh"
started=

finish_s3() {
    [ -z "$started" ] || "$far" s3 stop --dir "$started"
    finish
}
trap finish_s3 EXIT

start_s3() { # sets AWS_*, bucket, and objects (where they lie, if that can be seen)
    if [ -n "${AWS_ENDPOINT_URL:-}" ]; then
        bucket=${BUCKET:-pinline}
    else
        started=$folder/s3
        status=$("$far" s3 start --dir "$started")
        export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION
        AWS_ENDPOINT_URL=$(value url)
        AWS_ACCESS_KEY_ID=$(value access_key)
        AWS_SECRET_ACCESS_KEY=$(value secret_key)
        AWS_REGION=$(value region)
        bucket=$(value bucket)
        objects=$(value folder)
        echo "$AWS_ENDPOINT_URL, bucket $bucket"
    fi
    words+=(--set "objects.dir=s3://$bucket/$prefix"
        ${tables:+--set "tables.dir=s3://$bucket/$tables"})
}

list_objects() { # the first names of each topic, and how many there are
    [ -n "${objects:-}" ] || return 0
    (cd "$objects/$prefix" && find . -name '*.json*' | sed 's|^\./||' | sort) > "$folder/names"
    awk '{d = $0; sub("/[^/]*$", "", d); n[d]++; if (n[d] <= 2) print}
        END {for (d in n) print n[d], "objects in", d}' "$folder/names" | sort
}

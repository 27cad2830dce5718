"""Does some jobs, then crashes, so that there is something to watch."""

import random
import time

if __name__ == "__main__":
    for job in range(random.randint(5, 20)):
        print("job", job, "done")
        time.sleep(1)
    raise SystemExit("a job went wrong")

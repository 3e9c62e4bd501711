/* For tests: sends each argument behind the first as one message to that unix datagram socket. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int count, char **words)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int sender = socket(AF_UNIX, SOCK_DGRAM, 0);

    if (count < 2 || strlen(words[1]) >= sizeof to.sun_path)
        return 1;
    strcpy(to.sun_path, words[1]);
    for (int index = 2; index < count; index++)
        if (sendto(sender, words[index], strlen(words[index]), 0, (struct sockaddr *)&to, sizeof to) < 0) {
            perror(words[1]);
            return 1;
        }
    return 0;
}

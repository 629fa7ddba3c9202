      *> PROFILE-CHANGE: 119 bytes, to ACCT.EVENTS.QUEUE: the mainframe
      *> has changed one field of a client. CHANGE-SEQUENCE counts
      *> from 1 for each client; CHANGED-AT is YYYYMMDDHHMMSS in UTC.
       01  PROFILE-CHANGE.
           05  TRAN-CODE           PIC X(4)   VALUE 'CHNG'.
           05  CLIENT-ID           PIC X(20).
           05  CHANGE-ID           PIC X(12).
           05  CHANGE-SEQUENCE     PIC 9(9).
           05  CHANGED-AT          PIC 9(14).
           05  FIELD-NAME          PIC X(20).
           05  FIELD-VALUE         PIC X(40).

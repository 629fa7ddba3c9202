      *> ACCOUNT-REPLY: 80 bytes, to ACCT.RESPONSE.QUEUE, to every
      *> request. What has come of it is STATUS-CODE, and nothing else;
      *> '00' of an update says that it was made.
       01  ACCOUNT-REPLY.
           05  TRAN-CODE           PIC X(4)   VALUE 'ACRP'.
           05  CLIENT-ID           PIC X(20).
           05  STATUS-CODE         PIC X(2).
               88  ACCOUNT-CREATED            VALUE '00'.
               88  ACCOUNT-EXISTS             VALUE '04'.
               88  ACCOUNT-REFUSED            VALUE '08'.
               88  ACCOUNT-ABSENT             VALUE '12'.
               88  SYSTEM-ERROR               VALUE '16'.
           05  ACCOUNT-NUMBER      PIC X(12).
           05  REASON              PIC X(42).

      *> ACCOUNT-UPDATE-REQUEST: 93 bytes, to ACCT.CREATE.QUEUE (S33):
      *> where the client lives from now on, whole. It is answered by
      *> an ACCOUNT-REPLY, and what it changes comes as any change.
       01  ACCOUNT-UPDATE-REQUEST.
           05  TRAN-CODE           PIC X(4)   VALUE 'ACUP'.
           05  CLIENT-ID           PIC X(20).
           05  ADDRESS-LINE-1      PIC X(40).
           05  CITY                PIC X(20).
           05  PROVINCE            PIC X(2).
           05  POSTAL-CODE         PIC X(7).
